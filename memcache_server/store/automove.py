"""Which page the automover moves by itself: pure decisions from what each class shows once a second.

The rules and their numbers are the original's (slab_automove.c): a class with more than two and a half pages free,
while nothing was evicted there and no page came for a whole window, gives one to the pool. Else, when the
youngest of the classes that evict most of the time loses items at an age below `ratio` of the oldest class's, the
oldest one gives it a page.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from memcache_server.store.meta_items import MetaItems
from memcache_server.store.segmented_lru import COLD
from memcache_server.store.slab_allocator import POOL

_PAGES_FREE = 2.5
_PAGES_OF_SOURCE = 2  # a class gives pages away only if it has more


class ClassState(NamedTuple):
    """What a class shows: counters since the start, and what there is now."""

    evicted: int = 0
    outofmemory: int = 0
    age: int = 0  # seconds since its next item to go was used
    free_chunks: int = 0
    chunks_per_page: int = 1
    pages: int = 0


class Move(NamedTuple):
    """A page to move."""

    source: int
    target: int


class _Second(NamedTuple):
    age: int = 0
    dirty: bool = False
    evicted: bool = False


@dataclass(slots=True)
class Automover:
    """Remembers `window` looks at the classes; `ratio` as above."""

    window: int = 10
    ratio: float = 0.8
    _before: dict[int, ClassState] = field(default_factory=dict)
    _seconds: dict[int, deque[_Second]] = field(default_factory=dict)
    _looks: int = 0
    _now: int = -1

    def decide(self, now: int, classes: Mapping[int, ClassState]) -> Move | None:
        """The page to move after a look at second `now`; a second look in the same one decides nothing."""
        if now == self._now:
            return None
        self._now = now
        self._looks += 1
        for number, state in classes.items():
            self._seconds.setdefault(number, deque(maxlen=self.window)).append(self._second(number, state))
        self._before = dict(classes)
        return self._to_pool(classes) or self._to_youngest(classes)

    def _second(self, number: int, state: ClassState) -> _Second:
        before = self._before.get(number, state)
        evicted = state.evicted > before.evicted or state.outofmemory > before.outofmemory
        return _Second(state.age, evicted or state.pages > before.pages, evicted)

    def _to_pool(self, classes: Mapping[int, ClassState]) -> Move | None:
        for number, state in classes.items():
            free = state.free_chunks > state.chunks_per_page * _PAGES_FREE
            if free and not any(second.dirty for second in self._seconds[number]):
                return Move(number, POOL)
        return None

    def _to_youngest(self, classes: Mapping[int, ClassState]) -> Move | None:
        if self._looks <= self.window:
            return None
        ages = {number: sum(second.age for second in self._seconds[number]) // self.window for number in classes}
        sources = [number for number, state in classes.items() if state.pages > _PAGES_OF_SOURCE and ages[number]]
        evicting = [
            number for number in classes
            if sum(second.evicted for second in self._seconds[number]) > self.window // 2
        ]
        if not sources or not evicting:
            return None
        oldest, youngest = max(sources, key=ages.__getitem__), min(evicting, key=ages.__getitem__)
        if ages[youngest] < ages[oldest] * self.ratio and self._seconds[youngest][-1].evicted:
            return Move(oldest, youngest)
        return None


def class_states(store: MetaItems) -> dict[int, ClassState]:
    """What the classes of a store show now, those that never had a page left out."""
    allocator, stats, found = store.allocator, store.stats, {}
    for number, per_page in enumerate(store.classes.chunks_per_page, 1):
        found[number] = ClassState(
            stats.evicted[number],
            stats.outofmemory[number],
            store.tail_age(number | COLD),
            allocator.free[number],
            per_page,
            allocator.pages[number],
        )
    return found
