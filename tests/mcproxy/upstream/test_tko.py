import pytest

from mcproxy.outcome import Result
from mcproxy.upstream.tko import Health, TkoTracker

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
