"""Room for items: free chunks, and when there are none, what has to go. Keeps invariant I3 (the limit of pages)."""

from memcache_server.store.chain import Chains
from memcache_server.store.chunk import (
    ACTIVE,
    CHUNKED,
    EXPTIME,
    FETCHED,
    HAS_TTL,
    KEY,
    KEY_LENGTH_MASK,
    LINKED,
    LIST_SHIFT,
    META,
    PIECE,
    PREV,
    TEXT,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.living_items import LivingItems, StoreOptions
from memcache_server.store.segmented_lru import CLASS_MASK, COLD, HOT, SEGMENT_MASK, TEMP, WARM

_ATTEMPTS = 10  # at making room for one item
_TAIL_LOOKS = 5  # items looked at in one attempt
_CHEAP = 512  # items that are evicted with a page at once, in about three milliseconds


class RoomMaker(LivingItems):
    """Allocates chunks, if need be by evicting."""

    __slots__ = ()

    def __init__(self, options: StoreOptions) -> None:
        super().__init__(options)
        self._chains = Chains(self._arena, self.classes, self._allocate, self.allocator.release)

    def _allocate(self, slab_class: int, keep: int = 0) -> int:
        """A free chunk, if need be by evicting; the item `keep` survives a page move. 0: nothing can be had."""
        if self._entry == COLD:  # without a maintainer, each time the dead at the tail are freed first
            self._pull_cold(slab_class, evict=False)
        return self.allocator.allocate(slab_class) or self._make_room(slab_class, keep)

    def _make_room(self, slab_class: int, keep: int) -> int:
        """As the original: evict the tail of COLD, or let a list above it sink into COLD, and try again."""
        for attempt in range(1, _ATTEMPTS + 1):
            tail = self.lru.tail[slab_class | COLD]
            handle = self._take_over(tail, slab_class | COLD) if tail else 0
            if not handle:
                if not (tail and self._pull_cold(slab_class, self.options.evictions)) and not self._sink(slab_class):
                    break
                if self._entry == COLD:
                    self._pull_cold(slab_class, evict=False)
                if self.allocator.free[slab_class]:
                    handle = self.allocator.allocate(slab_class)
            if handle:
                self.stats.direct_reclaims[slab_class] += attempt
                return handle
        if self.options.evictions and self._more_pages(slab_class, keep):
            return self.allocator.allocate(slab_class)
        return 0

    def _take_over(self, handle: int, number: int) -> int:
        """Evict the tail of COLD and return its chunk, which nobody needs to free: what a full store does most.

        0 when it is to be gone about as `_pull_cold` does.
        """
        arena = self._arena
        meta = arena.metas[handle]
        if meta & CHUNKED or ((meta & HAS_TTL or self._reaping) and self.is_reclaimable(handle)):
            return 0
        if self.busy or self._entry == COLD or not self.options.evictions:
            return 0
        self._count_eviction(handle, meta)
        at = (handle << 3) + TEXT + KEY
        self.index.remove(arena.bytes[at : at + (meta & KEY_LENGTH_MASK)], handle)
        self.lru.drop_tail(number, arena.prevs[handle], item_size(arena.lengths[handle], meta))
        arena.metas[handle] = 0
        return handle

    def _pull_cold(self, slab_class: int, evict: bool) -> bool:
        """Free the dead items at the tail of COLD, a few at most, and then evict one if asked; whether any went."""
        handle, freed = self.lru.tail[slab_class | COLD], False
        for _ in range(_TAIL_LOOKS + len(self.busy)):
            if not handle:
                break
            before = self._arena.words[(handle << 1) + PREV]
            if self.busy and handle in self.busy:
                pass  # it would free no chunk
            elif self.is_reclaimable(handle):
                self.reclaim(handle)
                freed = True
            else:
                if evict:
                    self.evict(handle)
                    freed = True
                break
            handle = before
        return freed

    def _sink(self, slab_class: int) -> bool:
        """Move the tail of HOT, or else of WARM, where evictions reach it; whether there was one."""
        if self._entry == COLD:
            return False
        for number in (slab_class | HOT, slab_class | WARM):
            handle = self.lru.tail[number]
            if handle:
                self._sink_tail(handle, number)
                return True
        return False

    def _sink_tail(self, handle: int, number: int) -> None:
        words, word, slab_class = self._arena.words, handle << 1, number & CLASS_MASK
        meta = words[word + META]
        if self.is_reclaimable(handle):
            self.reclaim(handle)
        elif meta & ACTIVE and number & SEGMENT_MASK == HOT:
            self.move_to_warm(handle, meta)
        else:
            size, cold = item_size(words[word + TEXT_LENGTH], meta), slab_class | COLD
            words[word + META] = (meta ^ (number ^ cold) << LIST_SHIFT) & ~ACTIVE
            self.lru.tail_to(number, cold, handle, 1, size)
            self.stats.moves_to_cold[slab_class] += 1

    def reclaim(self, handle: int) -> None:
        """Free a dead item that was met at the tail of its list."""
        meta = self._arena.words[(handle << 1) + META]
        slab_class = meta >> LIST_SHIFT & CLASS_MASK
        self.stats.reclaimed[slab_class] += 1
        self.stats.expired_unfetched[slab_class] += not meta & FETCHED
        self.unlink(handle)

    def _count_eviction(self, handle: int, meta: int) -> None:
        stats, slab_class = self.stats, meta >> LIST_SHIFT & CLASS_MASK
        stats.evicted[slab_class] += 1
        stats.evicted_time[slab_class] = self._access - self._arena.accesses[handle]
        if meta & HAS_TTL:
            stats.evicted_nonzero[slab_class] += 1
        if not meta & FETCHED:
            stats.evicted_unfetched[slab_class] += 1
        if meta & ACTIVE:
            stats.evicted_active[slab_class] += 1

    def free_tail(self, slab_class: int) -> bool:
        """Free or evict an item at the tail of a class, or bring one nearer to it; False if there is none."""
        return self._pull_cold(slab_class, self.options.evictions) or self._sink(slab_class)

    def evict(self, handle: int) -> None:
        """Evict an item, wherever it is in its list."""
        self._count_eviction(handle, self._arena.metas[handle])
        self.unlink(handle)

    # pages

    def _more_pages(self, slab_class: int, keep: int) -> bool:
        """Give a class that owns nothing evictable a page beyond the limit, which the page mover will make up for.

        The original lets every class keep such a first page. Where too many have one already, a page is emptied
        at once, by evicting its items, except `keep`.
        """
        allocator, per_page = self.allocator, self.classes.chunks_per_page
        if allocator.borrow_page(slab_class):
            return True
        if allocator.leaving >= 0:
            allocator.stay()
        live = [0, *(per_page[n] - allocator.free[n + 1] / (allocator.pages[n + 1] or 1) for n in range(len(per_page)))]
        owners = [number for number in range(1, len(live)) if allocator.pages[number]]
        # the cheapest first, but the only page of a class only if others cost far more, and its own at the last
        owners.sort(key=lambda n: (n == slab_class, allocator.pages[n] == 1 or live[n] > _CHEAP, live[n]))
        return any(self._take_page(page, slab_class, keep) for n in owners for page in allocator.pages_of(n))

    def _is_temporary(self, handle: int) -> bool:
        return self._arena.words[(handle << 1) + META] >> LIST_SHIFT & SEGMENT_MASK == TEMP

    def _take_page(self, page: int, slab_class: int, keep: int) -> bool:
        """Give a page to another class at once; not if it holds the item `keep`, a busy chunk or an item of TEMP."""
        allocator = self.allocator
        chunks, owners = allocator.chunks(page), {}
        for handle in chunks:
            meta = self._arena.words[(handle << 1) + META]
            if meta:
                owner = self._arena.words[(handle << 1) + EXPTIME] if meta & PIECE else handle
                linked = owner and self._arena.words[(owner << 1) + META] & LINKED
                if not linked or owner == keep or owner in self.busy or self._is_temporary(owner):
                    return False
                owners[owner] = True
        for owner in owners:
            self.evict(owner)
        for handle in allocator.begin_leaving(page):
            allocator.park_free(handle)
        allocator.finish_leaving(slab_class)
        self.stats.slabs_moved += 1
        return True
