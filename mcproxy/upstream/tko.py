"""When a server is taken out ("technical knock-out"), and what brings it back. Pure.

    N timeouts in a row ──► SOFT ─┐
up                                ├── a probe succeeds ──► up
    connection refused or lost ──► HARD ─┘
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from mcproxy.outcome import Result, is_hard_tko, is_soft_tko


class Health(Enum):
    """UP, or the way a server was taken out."""

    UP = "up"
    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class FailOpenBounds:
    """Of a pool: with more than `upper` servers out, none counts as out until fewer than `lower` are."""

    pool: str
    upper: int
    lower: int


class FailOpen:
    """Counts a pool's servers that are out. `refresh` of each of them is called when `is_open` changes."""

    __slots__ = ("_bounds", "_out", "is_open", "refreshes")

    def __init__(self, bounds: FailOpenBounds) -> None:
        self._bounds = bounds
        self._out = 0
        self.is_open = False
        self.refreshes: list[Callable[[], None]] = []

    def count(self, change: int) -> None:
        """One server more, or fewer, is out."""
        self._out += change
        is_open = self._out >= self._bounds.lower if self.is_open else self._out > self._bounds.upper
        if is_open != self.is_open:
            self.is_open = is_open
            for refresh in self.refreshes:
                refresh()


class FailOpens(dict[FailOpenBounds, FailOpen]):
    """Those of a process: the servers of a pool share theirs over all reloads."""

    def of(self, bounds: FailOpenBounds | None) -> FailOpen | None:
        """Of a pool that has bounds."""
        return None if bounds is None else self.setdefault(bounds, FailOpen(bounds))


class TkoTracker:
    """One server's health. `failures` counts errors in a row; `cause` is the result that took it out.

    `timeouts_until_tko` 0 means that timeouts never do; with `enabled` False nothing does.
    """

    __slots__ = ("_enabled", "_fail_open", "_timeouts_until_tko", "cause", "failures", "health")

    def __init__(self, timeouts_until_tko: int, enabled: bool = True, fail_open: FailOpen | None = None) -> None:
        self._fail_open = fail_open
        self._timeouts_until_tko = timeouts_until_tko
        self._enabled = enabled
        self.failures = 0
        self.health = Health.UP
        self.cause: int = Result.OK

    @property
    def is_tko(self) -> bool:
        """Whether the server was taken out."""
        return self.health is not Health.UP

    @property
    def is_refusing(self) -> bool:
        """Whether requests are answered here: the server is out, and not too many others of its pool are."""
        return self.health is not Health.UP and not (self._fail_open is not None and self._fail_open.is_open)

    def join(self, refresh: Callable[[], None]) -> None:
        """`refresh` is called whenever `is_refusing` changes by what happens to others."""
        if self._fail_open is not None:
            self._fail_open.refreshes.append(refresh)

    def leave(self, refresh: Callable[[], None]) -> None:
        """The opposite of `join`; the server is not counted any more."""
        fail_open, self._fail_open = self._fail_open, None
        if fail_open is not None:
            fail_open.refreshes.remove(refresh)
            fail_open.count(-1 if self.is_tko else 0)

    def on_success(self) -> None:
        """An ordinary reply: failures are no longer in a row. It does not bring a server back."""
        if not self.is_tko:
            self.failures = 0

    def on_failure(self, result: int) -> bool:
        """A failed request or connection. True when this takes the server out, or makes soft hard."""
        if is_hard_tko(result):
            self.failures += 1
            return self._take_out(Health.HARD, result)
        if is_soft_tko(result):
            self.failures += 1
            if self.health is Health.UP and 0 < self._timeouts_until_tko <= self.failures:
                return self._take_out(Health.SOFT, result)
        return False

    def on_probe_success(self) -> None:
        """The one way back."""
        if self.is_tko and self._fail_open is not None:
            self._fail_open.count(-1)
        self.failures = 0
        self.health = Health.UP
        self.cause = Result.OK

    def _take_out(self, health: Health, cause: int) -> bool:
        if not self._enabled or self.health is health:
            return False
        was_up = self.health is Health.UP
        self.health, self.cause = health, cause
        if was_up and self._fail_open is not None:
            self._fail_open.count(1)
        return True


class TkoCount:
    """How many destinations are out, over all of them: a line of the log tells it."""

    __slots__ = ("hard", "soft")

    def __init__(self) -> None:
        self.hard = 0
        self.soft = 0
