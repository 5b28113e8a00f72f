import pytest

from mcproxy.outcome import Result
from mcproxy.upstream.tko import FailOpenBounds, FailOpens, Health, TkoTracker

TIMEOUT, REFUSED, BUSY = Result.TIMEOUT, Result.CONNECT_ERROR, Result.BUSY
ok = "ok"
probe = "probe"


def play(tracker, events):
    """The events that changed the health."""
    changes = []
    for event in events:
        if event == ok:
            tracker.on_success()
        elif event == probe:
            tracker.on_probe_success()
        elif tracker.on_failure(event):
            changes.append((event, tracker.health))
    return changes


@pytest.mark.parametrize(
    ("events", "changes", "health"),
    [
        ([TIMEOUT, TIMEOUT], [], Health.UP),
        ([TIMEOUT, TIMEOUT, TIMEOUT], [(TIMEOUT, Health.SOFT)], Health.SOFT),
        ([TIMEOUT, TIMEOUT, ok, TIMEOUT, TIMEOUT], [], Health.UP),
        ([TIMEOUT] * 5, [(TIMEOUT, Health.SOFT)], Health.SOFT),
        ([REFUSED], [(REFUSED, Health.HARD)], Health.HARD),
        ([REFUSED, REFUSED], [(REFUSED, Health.HARD)], Health.HARD),
        ([Result.CONNECT_TIMEOUT], [(Result.CONNECT_TIMEOUT, Health.HARD)], Health.HARD),
        ([Result.SHUTDOWN], [(Result.SHUTDOWN, Health.HARD)], Health.HARD),
        ([TIMEOUT] * 3 + [REFUSED], [(TIMEOUT, Health.SOFT), (REFUSED, Health.HARD)], Health.HARD),
        ([REFUSED, TIMEOUT, TIMEOUT, TIMEOUT], [(REFUSED, Health.HARD)], Health.HARD),
        ([REFUSED, ok], [(REFUSED, Health.HARD)], Health.HARD),  # only a probe brings it back
        ([REFUSED, probe], [(REFUSED, Health.HARD)], Health.UP),
        ([TIMEOUT] * 3 + [probe, TIMEOUT, TIMEOUT], [(TIMEOUT, Health.SOFT)], Health.UP),
        ([BUSY, Result.REMOTE_ERROR, Result.TRY_AGAIN, Result.CLIENT_ERROR] * 3, [], Health.UP),
    ],
)
def test_what_takes_a_server_out_and_brings_it_back(events, changes, health):
    tracker = TkoTracker(timeouts_until_tko=3)
    assert play(tracker, events) == changes
    assert tracker.health is health
    assert tracker.is_tko == (health is not Health.UP)


def test_the_cause_is_what_made_it_so():
    tracker = TkoTracker(1)
    tracker.on_failure(TIMEOUT)
    assert tracker.cause == TIMEOUT
    tracker.on_failure(REFUSED)
    assert tracker.cause == REFUSED
    tracker.on_probe_success()
    assert (tracker.cause, tracker.failures) == (Result.OK, 0)


def test_tracking_can_be_off():
    tracker = TkoTracker(1, enabled=False)
    assert play(tracker, [TIMEOUT, REFUSED]) == []
    assert tracker.failures == 2


def pool_of(count, upper, lower):
    """Trackers of one pool's servers, and how often each was told that others have changed things for it."""
    fail_open = FailOpens().of(FailOpenBounds("A", upper, lower))
    trackers = [TkoTracker(1, True, fail_open) for _ in range(count)]
    told = []
    for number, tracker in enumerate(trackers):
        tracker.join(lambda number=number: told.append(number))
    return trackers, told


def test_a_pool_with_too_many_servers_out_lets_requests_through_until_enough_are_back():
    trackers, told = pool_of(4, upper=2, lower=2)
    for tracker in trackers[:2]:
        tracker.on_failure(Result.CONNECT_ERROR)
    assert [tracker.is_refusing for tracker in trackers] == [True, True, False, False]
    trackers[2].on_failure(Result.CONNECT_ERROR)
    assert not any(tracker.is_refusing for tracker in trackers)
    assert [tracker.is_tko for tracker in trackers] == [True, True, True, False], "probes go on"
    assert told == [0, 1, 2, 3]
    trackers[0].on_probe_success()
    assert not any(tracker.is_refusing for tracker in trackers), "2 are out, which is not below the lower bound"
    trackers[1].on_probe_success()
    assert [tracker.is_refusing for tracker in trackers] == [False, False, True, False]
    assert told == [0, 1, 2, 3] * 2


def test_a_soft_tko_that_becomes_hard_is_one_server_out():
    trackers, _ = pool_of(2, upper=1, lower=1)
    trackers[0].on_failure(Result.TIMEOUT)
    trackers[0].on_failure(Result.CONNECT_ERROR)
    assert trackers[0].is_refusing


def test_a_server_that_leaves_the_pool_is_not_counted():
    fail_open = FailOpens().of(FailOpenBounds("A", 1, 1))
    trackers = [TkoTracker(1, True, fail_open) for _ in range(3)]
    refreshes = [lambda number=number: number for number in range(3)]
    for tracker, refresh in zip(trackers, refreshes, strict=True):
        tracker.join(refresh)
        tracker.on_failure(Result.CONNECT_ERROR)
    assert fail_open.is_open
    for tracker, refresh in zip(trackers, refreshes, strict=True):
        tracker.leave(refresh)
        tracker.leave(refresh)
    assert not fail_open.is_open
    assert fail_open.refreshes == []
    assert all(tracker.is_refusing for tracker in trackers)


def test_the_servers_of_a_pool_share_their_count_over_reloads():
    fail_opens = FailOpens()
    assert fail_opens.of(FailOpenBounds("A", 2, 1)) is fail_opens.of(FailOpenBounds("A", 2, 1))
    assert fail_opens.of(FailOpenBounds("A", 2, 1)) is not fail_opens.of(FailOpenBounds("B", 2, 1))
    assert fail_opens.of(None) is None
