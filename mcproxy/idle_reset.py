"""The timer that closes connections to servers that nobody uses."""

from __future__ import annotations

import asyncio

from mcproxy.upstream.destination_map import DestinationMap


class IdleReset:
    """Looks every `interval_s`: what was idle for a whole interval goes, so after two at most. 0: never."""

    def __init__(self, loop: asyncio.AbstractEventLoop, destinations: DestinationMap, interval_s: float) -> None:
        self._loop = loop
        self._destinations = destinations
        self._interval_s = interval_s
        self._timer: asyncio.TimerHandle | None = None
        self._arm()

    def stop(self) -> None:
        """No more looks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        if self._interval_s:
            self._timer = self._loop.call_later(self._interval_s, self._look)

    def _look(self) -> None:
        self._destinations.close_idle()
        self._arm()
