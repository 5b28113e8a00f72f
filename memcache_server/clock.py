"""The server's clock: whole seconds, moved by a timer, never read from the system on the way of a request."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FIRST_SECOND = 2

_CLOCK_ID = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def seconds_since_boot() -> float:
    """The steady clock: it knows no wall-clock jumps, and goes on while the machine is suspended (Linux)."""
    return time.clock_gettime(_CLOCK_ID)


@dataclass(frozen=True, slots=True)
class ClockStamp:
    """What a clock showed when, for a later process to go on from."""

    shown: float
    steady: float
    wall: float
    boot: str  # the machine's run in which `steady` counts

    def elapsed(self, until: "ClockStamp") -> float:
        """Seconds between two stamps: by the steady clock within a run of the machine, else by the wall clock."""
        if self.boot and self.boot == until.boot and until.steady >= self.steady:
            return until.steady - self.steady
        return max(0.0, until.wall - self.wall)


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Clock:
    """`now` counts seconds since just before the start, from 2 on, by a steady clock (memcached.c clock_handler).

    Wall-clock jumps do not move it. `started` is the Unix time at which it would have shown 0. `read` gives
    seconds of the steady clock.
    """

    __slots__ = ("_read", "_start", "now", "paused", "started")

    def __init__(self, read: Callable[[], float] = seconds_since_boot) -> None:
        self._read = read
        self._start = read()
        self.now = FIRST_SECOND
        self.paused = False  # by debugtime, like `move`
        self.started = int(time.time()) - FIRST_SECOND

    def tick(self) -> int:
        """Take the time; returns `now`."""
        self.now = self.exact
        return self.now

    @property
    def exact(self) -> int:
        """What a tick would show: after a stall, `now` is of before it until the timer runs."""
        return self.now if self.paused else int(self._read() - self._start) + FIRST_SECOND

    def until_next(self) -> float:
        """Seconds until `tick` will show another second: a timer of plain seconds would drift, and skip one."""
        return 1.0 - (self._read() - self._start) % 1.0

    def move(self, seconds: int) -> int:
        """Jump ahead, or back; returns `now`."""
        self._start -= seconds
        self.now += seconds
        return self.now

    @property
    def unix(self) -> int:
        """`now` as a Unix time."""
        return self.started + self.now

    # a restart

    def stamp(self) -> ClockStamp:
        """What it shows now, to the fraction."""
        steady = self._read()
        return ClockStamp(steady - self._start + FIRST_SECOND, steady, time.time(), _boot_id())

    def go_on(self, stamp: ClockStamp) -> None:
        """Show what the clock of that stamp would show now."""
        at = self.stamp()
        shown = stamp.shown + stamp.elapsed(at)
        self._start = at.steady + FIRST_SECOND - shown
        self.now = int(shown)
        self.started = int(at.wall - shown)
