"""The page mover's timer: steps while a page is under way, and a look at the classes once a second."""

import asyncio

from memcache_server.session import Shared
from memcache_server.store.automove import Automover, class_states
from memcache_server.store.page_mover import ANY, Progress, Reassigned

_BUDGET = 100  # chunks cleared in one step: half a millisecond, or one if memory is full
_PAUSE_S = 0.001  # between two steps: others have most of the time
_WAIT_S = 0.001  # for busy chunks, doubled each round
_WAIT_MAX_S = 0.032
_AT_EVERY_EVICTION = 2  # the level of slab_automove
_EVICTION_LOOK_S = 0.01


class PageUpkeep:
    """Runs page mover and automover of one server on a loop."""

    __slots__ = ("_automover", "_evicted", "_loop", "_shared", "_timer", "_wait")

    def __init__(self, loop: asyncio.AbstractEventLoop, shared: Shared) -> None:
        self._loop = loop
        self._shared = shared
        self._automover = Automover()
        self._evicted: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._wait = _WAIT_S
        shared.store.allocator.on_debt = self.wake
        shared.move_pages = self.wake

    def wake(self) -> None:
        """There may be something to move."""
        if self._timer is None:
            self._timer = self._loop.call_later(_PAUSE_S, self._run)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tick(self, now: int) -> None:
        """Once a second: the limit, the automover's decision, and work that waits."""
        shared = self._shared
        shared.store.memory_limit.settle()
        if shared.settings.options.slab_reassign and shared.tunables.slab_automove and not shared.mover.running:
            self._automove(now)
        at_evictions = shared.tunables.slab_automove == _AT_EVERY_EVICTION and shared.settings.options.slab_reassign
        if shared.mover.running or shared.store.allocator.debt or at_evictions:
            self.wake()

    def _automove(self, now: int) -> None:
        shared, automover = self._shared, self._automover
        tunables = shared.tunables
        if (automover.window, automover.ratio) != (tunables.slab_automove_window, tunables.slab_automove_ratio):
            self._automover = automover = Automover(tunables.slab_automove_window, tunables.slab_automove_ratio)
        move = automover.decide(now, class_states(shared.store))
        if move is not None:
            result = shared.mover.reassign(*move, may_evict=False)
            state = "ok" if result == Reassigned.OK else "fail"
            shared.watchers.log(b"sysevents", f"type=slab_move src={move.source} dst={move.target} state={state}")
        if tunables.slab_automove == _AT_EVERY_EVICTION:
            self._loop.call_soon(self.wake)

    def _run(self) -> None:
        self._timer, mover = None, self._shared.mover
        evicting = not mover.running and self._move_to_evicting()
        progress = mover.step(_BUDGET)
        if progress == Progress.MORE:
            self._wait = _WAIT_S
            self.wake()
        elif progress == Progress.WAIT:
            self._timer = self._loop.call_later(self._wait, self._run)
            self._wait = min(_WAIT_MAX_S, self._wait * 2)
        elif evicting:
            self._timer = self._loop.call_later(_EVICTION_LOOK_S, self._run)

    def _move_to_evicting(self) -> bool:
        """At level 2, a page for the class that evicted most since the last look; whether any did."""
        if self._shared.tunables.slab_automove != _AT_EVERY_EVICTION:
            return False
        evicted = list(self._shared.store.stats.evicted)
        gains = [now - before for now, before in zip(evicted, self._evicted or evicted, strict=True)]
        self._evicted = evicted
        target = max(range(len(gains)), key=gains.__getitem__)
        if gains[target] <= 0:
            return False
        self._shared.mover.reassign(ANY, target)
        return True
