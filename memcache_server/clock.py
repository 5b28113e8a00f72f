"""The server's clock: whole seconds, moved by a timer, never read from the system on the way of a request."""

import time

FIRST_SECOND = 2


class Clock:
    """`now` counts seconds since just before the start, from 2 on, by the monotonic clock (memcached.c clock_handler).

    Wall-clock jumps do not move it. `started` is the Unix time at which it would have shown 0.
    """

    __slots__ = ("_start", "now", "paused", "started")

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.now = FIRST_SECOND
        self.paused = False  # by debugtime, like `move`
        self.started = int(time.time()) - FIRST_SECOND

    def tick(self) -> int:
        """Take the time; returns `now`."""
        if not self.paused:
            self.now = int(time.monotonic() - self._start) + FIRST_SECOND
        return self.now

    def until_next(self) -> float:
        """Seconds until `tick` will show another second: a timer of plain seconds would drift, and skip one."""
        return 1.0 - (time.monotonic() - self._start) % 1.0

    def move(self, seconds: int) -> int:
        """Jump ahead, or back; returns `now`."""
        self._start -= seconds
        self.now += seconds
        return self.now

    @property
    def unix(self) -> int:
        """`now` as a Unix time."""
        return self.started + self.now
