"""When a server is taken out ("technical knock-out"), and what brings it back. Pure.

    N timeouts in a row ──► SOFT ─┐
up                                ├── a probe succeeds ──► up
    connection refused or lost ──► HARD ─┘
"""

from __future__ import annotations

from enum import Enum

from mcproxy.outcome import Result, is_hard_tko, is_soft_tko


class Health(Enum):
    """UP, or the way a server was taken out."""

    UP = "up"
    SOFT = "soft"
    HARD = "hard"


class TkoTracker:
    """One server's health. `failures` counts errors in a row; `cause` is the result that took it out.

    `timeouts_until_tko` 0 means that timeouts never do; with `enabled` False nothing does.
    """

    __slots__ = ("_enabled", "_timeouts_until_tko", "cause", "failures", "health")

    def __init__(self, timeouts_until_tko: int, enabled: bool = True) -> None:
        self._timeouts_until_tko = timeouts_until_tko
        self._enabled = enabled
        self.failures = 0
        self.health = Health.UP
        self.cause: int = Result.OK

    @property
    def is_tko(self) -> bool:
        """Whether requests are refused."""
        return self.health is not Health.UP

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
        self.failures = 0
        self.health = Health.UP
        self.cause = Result.OK

    def _take_out(self, health: Health, cause: int) -> bool:
        if not self._enabled or self.health is health:
            return False
        self.health, self.cause = health, cause
        return True


class TkoCount:
    """How many destinations are out, over all of them: a line of the log tells it."""

    __slots__ = ("hard", "soft")

    def __init__(self) -> None:
        self.hard = 0
        self.soft = 0
