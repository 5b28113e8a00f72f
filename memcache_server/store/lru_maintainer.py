"""The LRU maintainer: keeps HOT and WARM of each class within their shares and ages (items.c lru_maintainer_juggle).

It only ever looks at tails, a bounded number of items at a time. What it moves to COLD goes in runs: the items
behind one another in HOT stay so in COLD, so only their headers' list numbers and the ends of the run are written.
Keeps invariant I6.

Active items at the tail of WARM are moved to its head. The original does so at any time; here as many as new items
have come, and a few more: while only gets come, WARM may be over its share, and all the more of it is active.
"""

from memcache_server.store.chunk import (
    ACTIVE,
    LIST_SHIFT,
    META,
    item_size,
)
from memcache_server.store.room import RoomMaker
from memcache_server.store.segmented_lru import CLASS_MASK, COLD, HOT, SEGMENT_MASK, TEMP, WARM

_RESCUES = 20
_RESCUES_A_STORE = 4


class LruMaintainer:
    """Moves items between the segments of one store. `juggles` counts its rounds."""

    __slots__ = ("_rescues", "_store", "_stores", "juggles")

    def __init__(self, store: RoomMaker) -> None:
        self._store = store
        self._stores = 0  # items ever stored, at the last step
        self._rescues = 0  # active items of WARM that this step may still move to its head
        self.juggles = 0

    def step(self, budget: int) -> int:
        """Look after every class, moving up to about `budget` items; how many were moved."""
        store, left = self._store, budget
        self.juggles += 1
        stores = store.stats.total("stores")
        self._rescues = _RESCUES + _RESCUES_A_STORE * max(0, stores - self._stores)  # fewer only after a reset
        self._stores = stores
        for slab_class in range(1, store.classes.count + 1):
            if store.allocator.pages[slab_class] and left > 0:
                left -= self._juggle(slab_class, left)
        return budget - left

    def _juggle(self, slab_class: int, budget: int) -> int:
        store = self._store
        lru, tuning = store.lru, store.tuning
        hot, warm, cold = slab_class | HOT, slab_class | WARM, slab_class | COLD
        moved = self._reclaim_tail(slab_class | TEMP, budget)
        if not store.segmented:  # what is left from before goes to the one list there is
            moved += self._shrink(hot, 0, 0, budget - moved)
            return moved + self._shrink(warm, 0, 0, budget - moved)
        total, age = lru.sizes[hot] + lru.sizes[warm] + lru.sizes[cold], store.tail_age(cold)
        hot_limit, warm_limit = total * tuning.hot_lru_pct // 100, total * tuning.warm_lru_pct // 100
        moved += self._shrink(hot, hot_limit, int(age * tuning.hot_max_factor), budget - moved)
        moved += self._shrink(warm, warm_limit, int(age * tuning.warm_max_factor), budget - moved)
        return moved + self._reclaim_tail(cold, budget - moved)

    def _reclaim_tail(self, number: int, budget: int) -> int:
        """Free the dead items at the tail of a list."""
        store, freed = self._store, 0
        while freed < budget and (handle := store.lru.tail[number]) and store.is_reclaimable(handle):
            store.reclaim(handle)
            freed += 1
        return freed

    def _shrink(self, number: int, limit: int, max_age: int, budget: int) -> int:
        """Let go from the tail while the list is over `limit` bytes or its tail over `max_age` seconds; how many went.

        Active items there are not let go: those of HOT are moved to WARM, those of WARM to its head.
        """
        store, moved = self._store, 0
        while moved < budget:
            moved += self._sink_run(number, limit, max_age, budget - moved)
            handle = store.lru.tail[number]
            if not handle or moved >= budget:
                break
            meta = store.arena.words[(handle << 1) + META]
            if store.is_reclaimable(handle):
                store.reclaim(handle)
            elif meta & ACTIVE and number & SEGMENT_MASK == HOT:
                store.move_to_warm(handle, meta)
            elif meta & ACTIVE and self._rescues > 0:
                self._rescues -= 1
                store.arena.words[(handle << 1) + META] = meta & ~ACTIVE
                store.lru.to_head(handle, number)
                store.stats.moves_within_lru[number & CLASS_MASK] += 1
            else:
                break
            moved += 1
        return moved

    def _sink_run(self, number: int, limit: int, max_age: int, budget: int) -> int:
        """Move to COLD what may go from the tail, up to the first item that is active, dead, or may stay."""
        store = self._store
        lru, arena, now = store.lru, store.arena, store.now
        metas, accesses, exptimes = arena.metas, arena.accesses, arena.exptimes
        flushed, shift = store.flush_marks
        oldest = now + shift - max_age  # last-access time from which on an item is not too old
        cold = number & CLASS_MASK | COLD
        change = (number ^ cold) << LIST_SHIFT
        over, count, size, last, handle = lru.sizes[number] - limit, 0, 0, 0, lru.tail[number]
        while handle and count < budget:
            meta, used, exptime = metas[handle], accesses[handle], exptimes[handle]
            if meta & ACTIVE or used <= flushed or 0 < exptime < now or (size >= over and used >= oldest):
                break
            metas[handle] = meta ^ change
            count, size, last = count + 1, size + item_size(arena.lengths[handle], meta), handle
            handle = arena.prevs[handle]
        if count:
            lru.tail_to(number, cold, last, count, size)
            store.stats.moves_to_cold[number & CLASS_MASK] += count
        return count
