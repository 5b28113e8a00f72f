"""Whole seconds by the steady clock."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from memcache_server.clock import Clock, ClockStamp, seconds_since_boot


class Steady:
    """A steady clock that stands still until it is told."""

    def __init__(self, at: float = 1000.25) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def test_starts_at_two() -> None:
    clock = Clock()
    assert clock.now == 2
    assert abs(clock.unix - time.time()) <= 1


def test_counts_a_suspended_machine_s_time() -> None:
    assert abs(seconds_since_boot() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5


def test_ticks_by_the_steady_clock_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    steady = Steady()
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.5)
    clock = Clock(steady)
    monkeypatch.setattr(time, "time", lambda: 5.0)  # somebody sets the wall clock back by decades
    seen = []
    for steady.at in (1000.25, 1001.2, 1001.25, 1003.3, 1003.9, 88_000.25):  # at last it was suspended for a day
        seen.append((clock.tick(), clock.unix - 1_800_000_000))
    assert seen == [(2, 0), (2, 0), (3, 1), (5, 3), (5, 3), (87_002, 87_000)]


def test_nothing_moves_between_ticks() -> None:
    steady = Steady()
    clock = Clock(steady)
    steady.at += 10
    assert clock.now == 2


def test_the_next_tick_is_due_when_the_next_second_begins() -> None:
    steady = Steady(1000.0)
    clock = Clock(steady)
    for steady.at in (1000.0, 1000.25, 1000.999, 1003.5):
        now, due = clock.tick(), steady.at + clock.until_next()
        steady.at = due + 0.001
        assert clock.tick() == now + 1, "a tick that comes when it is due shows each second once"


# going on after a restart

STAMP = ClockStamp(shown=500.5, steady=9000.0, wall=1_800_000_000.0, boot="this run")


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({"steady": 9010.0, "wall": 1_800_000_010.0}, 10),
        ({"steady": 9010.0, "wall": 5.0}, 10),  # the wall clock was set meanwhile: within a run it does not count
        ({"steady": 30.0, "wall": 1_800_000_060.0, "boot": "the next run"}, 60),
        ({"steady": 9900.0, "wall": 1_800_000_060.0, "boot": "the next run"}, 60),
        ({"steady": 30.0, "wall": 1_700_000_000.0, "boot": "the next run"}, 0),  # never back
        ({"steady": 9900.0, "wall": 1_800_000_060.0, "boot": ""}, 60),
    ],
)
def test_time_between_two_stamps(changed: dict[str, float | str], seconds: float) -> None:
    assert STAMP.elapsed(replace(STAMP, **changed)) == seconds  # type: ignore[arg-type]


def test_a_clock_goes_on_where_another_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = 1_800_000_000.5
    monkeypatch.setattr(time, "time", lambda: wall)
    steady = Steady()
    first = Clock(steady)
    steady.at += 100.5
    wall += 100.5
    stamp = first.stamp()
    steady.at += 7.25
    wall += 7.25
    later = Clock(steady)
    later.go_on(stamp)
    assert later.now == first.tick() == 109
    assert later.unix == first.unix, "absolute times mean the same second"
    for _ in range(5):
        steady.at += 0.3
        assert later.tick() == first.tick()
        assert later.until_next() == pytest.approx(first.until_next())
