"""What clients hold, summed, and who goes first."""

from memcache_server.held_bytes import HeldBytes


class Client:
    def __init__(self, held: int = 0) -> None:
        self.held = held
        self.dropped = False

    def drop(self) -> None:
        self.dropped = True


def test_nobody_goes_under_the_limit() -> None:
    held, clients = HeldBytes(100), [Client(50), Client(50)]
    for client in clients:
        held.note(client)
    assert not any(client.dropped for client in clients)


def test_the_longest_stalled_goes_first_and_no_more_than_needed() -> None:
    held, clients = HeldBytes(100), [Client(40), Client(40), Client(40)]
    for client in clients:
        held.note(client)
    assert [client.dropped for client in clients] == [True, False, False]


def test_who_moved_stays_before_who_did_not() -> None:
    held, moving, still, newest = HeldBytes(100), Client(45), Client(45), Client(45)
    held.note(moving)
    held.note(still)
    moving.held = 40
    held.note(newest)
    assert [moving.dropped, still.dropped, newest.dropped] == [False, True, False]


def test_replies_read_meanwhile_do_not_count() -> None:
    held, done, newest = HeldBytes(100), Client(90), Client(90)
    held.note(done)
    done.held = 0
    held.note(newest)
    assert not done.dropped


def test_the_newest_is_never_dropped_by_itself() -> None:
    held, alone = HeldBytes(100), Client(1000)
    held.note(alone)
    held.note(alone)
    assert not alone.dropped


def test_noted_again_counts_once_and_forgotten_not_at_all() -> None:
    held, first, second = HeldBytes(100), Client(60), Client(60)
    for _ in range(5):
        held.note(first)
    held.forget(first)
    held.forget(first)
    held.note(second)
    assert not first.dropped
    assert not second.dropped
