"""One server as a process reaches it: connecting, held requests, moving, and being dropped."""

import asyncio
import socket

import pytest

from mcproxy.outcome import Result
from mcproxy.request import Continuation, Op, Request
from mcproxy.tick import Tick
from mcproxy.upstream import destination as module
from mcproxy.upstream.destination import Destination, KeepAlive, Location, Surroundings, TkoCount, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import until
from tests.support.scripted_route import Replies


@pytest.fixture
async def shared():
    loop = asyncio.get_running_loop()
    return Surroundings(loop, Tick(loop.call_soon), TkoCount())


@pytest.fixture
async def make(shared):
    made = []

    def make(port, **options):
        location = Location("127.0.0.1", port)
        made.append(Destination(str(location), location, UpstreamOptions(**options), shared))
        return made[-1]

    yield make
    for destination in made:
        destination.close()
    await asyncio.sleep(0.01)


def get(destination, replies, key=b"k"):
    destination.send(Request(Op.GET, key, b"get %b\r\n" % key, replies))


def put(destination, replies, size):
    destination.send(Request(Op.SET, b"k", b"set k 0 0 %d\r\n%b\r\n" % (size, b"x" * size), replies))


async def stall(destination, replies):
    """Send until the server's buffers are full."""
    for _ in range(200):
        put(destination, replies, 500_000)
        await asyncio.sleep(0.001)
        if not destination._ready:
            return
    raise AssertionError("it takes everything")


@pytest.fixture
def deaf():
    """A listening socket: the kernel takes connections, and nobody ever reads from them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        listener.setblocking(False)
        yield listener


def port_of(listener):
    return listener.getsockname()[1]


async def test_it_connects_with_the_first_request_and_requests_wait_for_it(make):
    async with MockUpstream(store_script()) as server:
        destination, replies = make(server.port), Replies()
        assert destination.state == "new"
        for _ in range(3):
            get(destination, replies)
        assert destination.pending_count == 3
        await until(lambda: len(replies.got) == 3)
        assert replies.got == [(Result.NOTFOUND, b"END\r\n")] * 3
        assert destination.state == "up"
        assert destination.results[Result.NOTFOUND] == 3
        assert destination.latency_s > 0
        assert server.connections == 1


async def test_what_waits_is_bounded(make, monkeypatch):
    monkeypatch.setattr(module, "HELD_REQUESTS_MAX", 10)
    async with MockUpstream(store_script()) as server:
        destination, replies = make(server.port), Replies()
        for _ in range(15):
            get(destination, replies)
        assert replies.got == [(Result.BUSY, b"SERVER_ERROR 307 busy\r\n")] * 5
        await until(lambda: len(replies.got) == 15)


async def test_bytes_that_wait_are_bounded(make, monkeypatch, deaf):
    monkeypatch.setattr(module, "HELD_BYTES_MAX", 1 << 20)
    destination, replies = make(port_of(deaf), timeout_s=30.0), Replies()
    for _ in range(500):
        put(destination, replies, 200_000)
        await asyncio.sleep(0.0005)
        if replies.got:
            break
    assert replies.got[0][0] == Result.BUSY
    assert destination._connection.held_bytes < 2 << 20


async def test_requests_that_never_left_say_so_and_are_not_sent_later(make, deaf):
    destination, replies = make(port_of(deaf), timeout_s=0.2, timeouts_until_tko=1000), Replies()
    get(destination, replies)
    await until(lambda: destination.state == "up")
    await stall(destination, replies)
    get(destination, replies)
    get(destination, replies)
    expected = destination.pending_count + destination.inflight_count
    await until(lambda: len(replies.got) == expected)
    assert replies.got[0] == (Result.TIMEOUT, b"SERVER_ERROR Reply timeout\r\n")
    assert replies.got[-2:] == [(Result.TIMEOUT, b"SERVER_ERROR Client queue timeout\r\n")] * 2
    assert destination.pending_count == 0


async def test_unsent_requests_go_over_a_new_connection(make, deaf):
    destination, replies = make(port_of(deaf), timeout_s=30.0), Replies()
    get(destination, replies)
    await until(lambda: destination.state == "up")
    await stall(destination, replies)
    unsent = Replies()
    get(destination, unsent)
    sent = destination.inflight_count
    deaf.accept()[0].close()  # with data unread: a reset
    await until(lambda: len(replies.got) == sent)
    assert set(replies.got) == {(Result.REMOTE_ERROR, b"SERVER_ERROR Connection closed by the server.\r\n")}
    assert destination.tracker.is_tko
    await until(lambda: destination.state == "down" and destination.inflight_count >= 1)
    second, _ = deaf.accept()
    with second:
        second.settimeout(5)
        assert second.recv(100).startswith((b"set k 0 0 500000", b"get k"))
    assert unsent.got == []


async def test_a_connection_that_is_not_accepted_in_time(make):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):  # more than the queue holds
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(full.getsockname())
        destination, replies = make(port_of(full), connect_timeout_s=0.1), Replies()
        get(destination, replies)
        await until(lambda: replies.got)
        for each in waiting:
            each.close()
    result, line = replies.got[0]
    assert result == Result.CONNECT_TIMEOUT
    assert line.startswith(b"SERVER_ERROR Timed out when trying to connect to server. Ex: ")
    assert destination.tracker.is_tko


async def test_a_moved_server_still_answers_what_it_was_asked(make):
    gate = asyncio.Event()

    async def slow(line, value):
        await gate.wait()
        return b"VALUE k 0 3\r\nold\r\nEND\r\n"

    async with MockUpstream(slow) as old, MockUpstream(store_script()) as new:
        destination, before, after = make(old.port), Replies(), Replies()
        get(destination, before)
        await old.wait_for_lines(1)
        destination.move(Location("127.0.0.1", new.port))
        get(destination, after)
        await until(lambda: after.got)
        assert after.got == [(Result.NOTFOUND, b"END\r\n")]
        gate.set()
        await until(lambda: before.got)
        assert before.got == [(Result.FOUND, b"VALUE k 0 3\r\nold\r\nEND\r\n")]
        await until(lambda: not old._writers)
        assert not destination.tracker.is_tko


async def test_a_server_that_is_out_and_moves_is_probed_at_once(make):
    async with MockUpstream(store_script()) as server:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            destination, replies = make(port_of(closed), probe_initial_s=60.0), Replies()
            get(destination, replies)
            await until(lambda: destination.tracker.is_tko)
        destination.move(Location("127.0.0.1", server.port))
        await until(lambda: not destination.tracker.is_tko)
        get(destination, replies)
        await until(lambda: len(replies.got) == 2)
        assert replies.got[1][0] == Result.NOTFOUND


async def test_retired_destinations_answer_what_they_owe_then_close(shared, caplog):
    caplog.set_level("INFO")
    gate = asyncio.Event()

    async def slow(line, value):
        await gate.wait()
        return b"END\r\n"

    async with MockUpstream(slow) as server:
        destinations = DestinationMap(shared)
        here = destinations.get("a", Location("127.0.0.1", server.port), UpstreamOptions())
        kept = destinations.get("b", Location("127.0.0.1", server.port), UpstreamOptions())
        assert destinations.get("a", Location("::1", 9), UpstreamOptions()) is here
        assert destinations.get("a", Location("::1", 9), UpstreamOptions(timeout_s=9)) is not here
        replies = Replies()
        get(here, replies)
        await server.wait_for_lines(1)
        assert here in destinations.keep([kept])
        assert list(destinations) == [kept]
        late = Replies()
        get(here, late)  # a request that was under way on the old tree
        gate.set()
        await until(lambda: replies.got and late.got)
        assert replies.got == late.got == [(Result.NOTFOUND, b"END\r\n")]
        await until(lambda: not server._writers)
        destinations.close()


@pytest.mark.parametrize("is_overdue", [False, True])
async def test_a_retired_server_that_never_answers_is_not_listened_to_for_ever(make, is_overdue):
    async with MockUpstream(lambda line, value: b"") as server:
        destination, replies = make(server.port, timeout_s=0.1), Replies()
        get(destination, replies)
        await server.wait_for_lines(1)
        if is_overdue:
            await until(lambda: replies.got)
        destination.retire()
        await until(lambda: not server._writers)
        assert [result for result, _ in replies.got] == [Result.TIMEOUT]


async def test_a_retired_server_that_was_out_is_told(shared, caplog):
    caplog.set_level("INFO")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        destinations = DestinationMap(shared)
        destination = destinations.get("h:1", Location("127.0.0.1", port_of(closed)), UpstreamOptions())
        get(destination, Replies())
        await until(lambda: destination.tracker.is_tko)
        assert shared.tko_count.hard == 1
        destinations.keep([])
    assert "h:1 was TKO, removed from config" in caplog.text
    assert shared.tko_count.hard == 0


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location("10.0.0.1", 1), "10.0.0.1:1"),
        (Location("fd00::1", 1), "[fd00::1]:1"),
        (Location("/run/m.sock", 0), "unix:/run/m.sock"),
    ],
)
def test_locations_as_text(location, text):
    assert str(location) == text


async def test_unix_sockets(shared, tmp_path):
    path = str(tmp_path / "m.sock")

    async def serve(reader, writer):
        await reader.readline()
        writer.write(b"END\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    destination, replies = Destination("u", Location(path, 0), UpstreamOptions(), shared), Replies()
    get(destination, replies)
    await until(lambda: replies.got)
    assert replies.got[0][0] == Result.NOTFOUND
    destination.close()
    server.close()
    await asyncio.sleep(0.01)


async def test_an_idle_connection_is_closed_after_one_to_two_intervals_and_opened_on_demand(shared):
    async with MockUpstream(store_script()) as server:
        destinations, replies = DestinationMap(shared), Replies()
        destination = destinations.get("a", Location("127.0.0.1", server.port), UpstreamOptions())
        get(destination, replies)
        destinations.close_idle()  # its request is not answered yet
        await until(lambda: len(replies.got) == 1)
        destinations.close_idle()
        assert destination.state == "up"
        destinations.close_idle()  # nothing since the last look
        assert destination.state == "closed"
        assert not destination.tracker.is_tko
        get(destination, replies)
        await until(lambda: len(replies.got) == 2)
        assert (destination.state, server.connections) == ("up", 2)
        destinations.close()
        await asyncio.sleep(0.01)


async def test_a_busy_connection_is_not_closed(shared):
    async with MockUpstream(store_script()) as server:
        destinations, replies = DestinationMap(shared), Replies()
        destination = destinations.get("a", Location("127.0.0.1", server.port), UpstreamOptions())
        for count in range(1, 4):
            get(destination, replies)
            await until(lambda count=count: len(replies.got) == count)
            destinations.close_idle()
        assert server.connections == 1
        destinations.close()
        await asyncio.sleep(0.01)


async def test_limits_and_single_flight_stand_before_send(make):
    gate = asyncio.Event()

    async def script(line, value):
        await gate.wait()
        return b"END\r\n"

    async with MockUpstream(script) as server:
        destination, replies = make(server.port, inflight_max=2, single_flight=True), Replies()
        for key in (b"a", b"a", b"b", b"c", b"d"):
            get(destination, replies, key)
        assert (destination.pending_count, destination.single_flight.joined) == (4, 1)
        await server.wait_for_lines(1)
        assert destination.pending_count == 2
        gate.set()
        await until(lambda: len(replies.got) == 5)
        assert server.lines == [b"get a", b"get b", b"get c", b"get d"]


async def test_keepalive(make):
    async with MockUpstream(store_script()) as server:
        destination, replies = make(server.port, keepalive=KeepAlive(30, 7, 4)), Replies()
        get(destination, replies)
        await until(lambda: replies.got)
        peer = destination._connection._transport.get_extra_info("socket")
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [peer.getsockopt(socket.IPPROTO_TCP, name) for name in names] == [30, 7, 4]


@pytest.mark.parametrize("host", ["10.0.0..1", "a" * 64, "a\0b"])
async def test_a_host_that_cannot_be_looked_up_is_an_error_at_once(shared, host):
    destination, replies = Destination(host, Location(host, 11211), UpstreamOptions(timeout_s=30.0), shared), Replies()
    get(destination, replies)
    await until(lambda: replies.got)
    assert replies.got[0][0] == Result.CONNECT_ERROR
    destination.close()


@pytest.mark.parametrize("reply", [b"VA %b\r\n" % (b"1" * 5000), b"VALUE k 0 %b\r\n" % (b"1" * 5000)])
async def test_a_length_of_thousands_of_digits_ends_the_connection_in_order(make, caplog, reply):
    async with MockUpstream(lambda line, value: reply) as server:
        destination, replies = make(server.port), Replies()
        get(destination, replies)
        await until(lambda: replies.got)
        assert replies.got[0][0] == Result.REMOTE_ERROR
        assert "Fatal error" not in caplog.text


async def test_a_fault_on_a_replys_way_back_is_an_error_and_no_silence(make, caplog):
    class Faulty(Continuation):
        def on_reply(self, request, result, raw):
            if result == Result.NOTFOUND:
                raise RuntimeError("a fault")
            self.pass_up(request, result, raw)

    async with MockUpstream(store_script()) as server:
        destination, replies = make(server.port), Replies()
        request = Request(Op.GET, b"k", b"get k\r\n", replies)
        Faulty(request)
        destination.send(request)
        get(destination, replies)
        await until(lambda: len(replies.got) == 2)
        assert [result for result, _ in replies.got] == [Result.LOCAL_ERROR, Result.NOTFOUND]
        assert "could not deliver a reply" in caplog.text
