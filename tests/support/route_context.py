"""A RouteContext whose clock, timers and dice a test holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from mcproxy.routes.background import Background
from mcproxy.routes.context import RouteContext, new_counters


class Clock:
    """Both clocks at once, and the timers: `advance` runs those that are due, in their order."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.timers: list[FakeTimer] = []

    def call_later(self, seconds: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self, self.now + seconds, callback)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [timer for timer in self.timers if timer.at <= until]:
            timer = min(due, key=lambda timer: timer.at)
            self.timers.remove(timer)
            self.now = max(self.now, timer.at)
            timer.callback()
        self.now = until


class FakeTimer:
    def __init__(self, clock: Clock, at: float, callback: Callable[[], None]) -> None:
        self.clock, self.at, self.callback = clock, at, callback

    def cancel(self) -> None:
        if self in self.clock.timers:
            self.clock.timers.remove(self)


def make_context(
    clock: Clock | None = None, draws: Iterable[float] = (0.0,), host_id: int = 0, worker: int = 0
) -> RouteContext:
    """`draws` are what the dice show, over and over."""
    clock, counters = clock or Clock(), new_counters()
    dice = itertools.cycle(draws)
    return RouteContext(
        now=lambda: clock.now,
        wall_time=lambda: clock.now,
        call_later=clock.call_later,
        rng=lambda: next(dice),
        host_id=host_id,
        worker=worker,
        counters=counters,
        background=Background(counters),
    )
