"""The LRU maintainer's timer: often while there is something to move, once a second when there is not."""

import asyncio

from memcache_server.store.lru_maintainer import LruMaintainer

_BUDGET = 500  # items moved in one go: about a third of a millisecond
_PAUSE_BUSY_S = 0.001  # when the budget was used up
_PAUSE_S = 0.01
_PAUSE_MAX_S = 1.0
_PAUSE_GROWTH = 1.125  # a short rest of the clients is not idleness


class LruUpkeep:
    """Runs the maintainer on a loop, with pauses that grow while nothing moves (items.c lru_maintainer_thread)."""

    __slots__ = ("_loop", "_maintainer", "_pause", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, maintainer: LruMaintainer) -> None:
        self._loop = loop
        self._maintainer = maintainer
        self._pause = _PAUSE_S
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin."""
        self._timer = self._loop.call_later(self._pause, self._run)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def _run(self) -> None:
        moved = self._maintainer.step(_BUDGET)
        if moved >= _BUDGET:
            self._pause = _PAUSE_BUSY_S
        elif moved:
            self._pause = _PAUSE_S
        else:
            self._pause = min(_PAUSE_MAX_S, max(_PAUSE_S, self._pause * _PAUSE_GROWTH))
        self.start()
