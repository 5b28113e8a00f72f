"""Collects what must be written before the event loop sleeps again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)


class Flushable(Protocol):
    """Somebody with bytes to send."""

    def flush(self) -> None:
        """Send them: one write."""


class Tick:
    """One flush per connection and loop turn, however many requests and replies the turn brings.

    uvloop tries the socket at every `write`, so a write per request is a system call per request. Whoever
    turns non-empty adds itself once; `call_soon` runs all flushes after the turn's reads. `waiting` is open to
    hot paths: while it is not empty, appending to it is all that `add` does.
    """

    __slots__ = ("_call_soon", "waiting")

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self.waiting: list[Flushable] = []

    def add(self, flushable: Flushable) -> None:
        """Have `flushable` flushed at the end of this turn."""
        if not self.waiting:
            self._call_soon(self._run)
        self.waiting.append(flushable)

    def _run(self) -> None:
        waiting = self.waiting[:]
        self.waiting.clear()
        for flushable in waiting:
            try:
                flushable.flush()
            except Exception:  # one bad connection must not end the flush of the others
                log.exception("flush failed")
