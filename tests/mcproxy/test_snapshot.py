import multiprocessing

from mcproxy.snapshot import Board, ServerSnapshot, WorkerSnapshot, merge_servers


def server(**fields):
    return ServerSnapshot("10.0.0.1:1", **fields)


def test_workers_views_are_merged():
    merged = merge_servers(
        [
            {"a": server(health="up", pending=1, inflight=2, states={"up": 1}, results=[1, 2], latency_us=10.0)},
            {"a": server(health="hard", failures=3, inflight=1, states={"down": 1}, results=[0, 5])},
            {"b": server(states={"new": 1}, results=[0, 0])},
        ]
    )
    assert set(merged) == {"a", "b"}
    a = merged["a"]
    assert (a.health, a.failures, a.pending, a.inflight) == ("hard", 3, 1, 3)
    assert a.states == {"up": 1, "down": 1}
    assert a.results == [1, 7]
    assert a.latency_us == 10.0


def test_a_board_holds_the_last_snapshot_of_each_worker():
    board = Board(3)
    assert board.read() == []
    snapshot = WorkerSnapshot(True, "ready", {"a": server(results=[1])})
    board.write(0, WorkerSnapshot(False, "starting", {}))
    board.write(0, snapshot)
    board.write(2, WorkerSnapshot(False, "stopping", {}))
    assert board.read() == [snapshot, WorkerSnapshot(False, "stopping", {})]


def test_servers_beyond_the_room_are_left_out():
    board = Board(1)
    board.write(0, WorkerSnapshot(True, "ready", {f"{n:0200}": server() for n in range(5000)}))
    assert board.read() == [WorkerSnapshot(True, "ready", {})]


def write_many(board):
    for count in range(3000):
        servers = {f"s{n}": server(results=[count]) for n in range(count % 7)}
        board.write(0, WorkerSnapshot(True, str(count), servers))


def test_a_reader_never_sees_half_a_snapshot():
    board = Board(1)
    writer = multiprocessing.get_context("fork").Process(target=write_many, args=(board,))
    writer.start()
    while writer.is_alive():
        for snapshot in board.read():
            count = int(snapshot.text)
            assert [s.results for s in snapshot.servers.values()] == [[count]] * (count % 7)
    writer.join()
    assert writer.exitcode == 0
