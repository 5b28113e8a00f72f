"""Counts what comes from servers, so that what it leaves behind is looked at in time. Pure."""

from __future__ import annotations

from collections.abc import Callable

LOOK_BYTES = 8 << 20
"""Arrivals between two looks: what replies may take beyond their bounds until somebody sees it."""


class Arrivals:
    """Of all connections of a process. `count` is open to them: an addition for each read is all that it costs."""

    __slots__ = ("count", "look")

    def __init__(self) -> None:
        self.count = 0  # bytes since the last look
        self.look: Callable[[], None] = lambda: None

    def look_now(self) -> None:
        """LOOK_BYTES have come."""
        self.count = 0
        self.look()
