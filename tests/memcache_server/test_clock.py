"""Whole seconds by the monotonic clock."""

from __future__ import annotations

import time

import pytest

from memcache_server.clock import Clock


def test_starts_at_two() -> None:
    clock = Clock()
    assert clock.now == 2
    assert abs(clock.unix - time.time()) <= 1


def test_ticks_by_the_monotonic_clock_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter((1000.25, 1000.25, 1001.2, 1001.25, 1003.3, 1003.9))
    monkeypatch.setattr(time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.5)
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: 5.0)  # somebody sets the wall clock back by decades
    seen = [(clock.tick(), clock.unix - 1_800_000_000) for _ in range(5)]
    assert seen == [(2, 0), (2, 0), (3, 1), (5, 3), (5, 3)]


def test_nothing_moves_between_ticks() -> None:
    clock = Clock()
    before = clock.now
    time.sleep(0.01)
    assert clock.now == before


def test_the_next_tick_is_due_when_the_next_second_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    at = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: at)
    clock = Clock()
    for at in (1000.0, 1000.25, 1000.999, 1003.5):
        now, due = clock.tick(), at + clock.until_next()
        at = due + 0.001
        assert clock.tick() == now + 1, "a tick that comes when it is due shows each second once"
