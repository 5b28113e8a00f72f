"""Room for items: free chunks, and when there are none, what has to go."""

from memcache_server.store.chain import Chains
from memcache_server.store.chunk import (
    ACTIVE,
    EXPTIME,
    FETCHED,
    HAS_TTL,
    LAST_ACCESS,
    LINKED,
    LIST_SHIFT,
    META,
    PIECE,
)
from memcache_server.store.living_items import LivingItems, StoreOptions
from memcache_server.store.segmented_lru import CLASS_MASK, COLD

_SECOND_CHANCES = 5  # active items an eviction spares before it takes one all the same


class RoomMaker(LivingItems):
    """Allocates chunks, if need be by evicting."""

    __slots__ = ()

    def __init__(self, options: StoreOptions) -> None:
        super().__init__(options)
        self._chains = Chains(self._arena, self.classes, self._allocate, self.allocator.release)

    def _allocate(self, slab_class: int, keep: int = 0) -> int:
        """A free chunk, if need be by evicting; the item `keep` survives a page move. 0: nothing can be had."""
        return self.allocator.allocate(slab_class) or self._make_room(slab_class, keep)

    def _make_room(self, slab_class: int, keep: int) -> int:
        if not self.options.evictions:
            return 0
        if not self._evict_tail(slab_class) and not self._move_page(slab_class, keep):
            return 0
        return self.allocator.allocate(slab_class)

    def _evict_tail(self, slab_class: int) -> bool:
        """Free the item at the tail of a class, or the first one there that was not used lately."""
        words, number = self._arena.words, slab_class | COLD
        for attempt in range(_SECOND_CHANCES + 1):
            handle = self.lru.tail[number]
            if not handle:
                return False
            meta = words[(handle << 1) + META]
            if self._is_dead(handle):
                self.stats.reclaimed[slab_class] += 1
                self.stats.expired_unfetched[slab_class] += not meta & FETCHED
                self.unlink(handle)
                return True
            if meta & ACTIVE and attempt < _SECOND_CHANCES:
                words[(handle << 1) + META] = meta & ~ACTIVE
                self.lru.to_head(handle, number)
                continue
            self._evict(handle, meta)
            return True
        return False

    def _evict(self, handle: int, meta: int) -> None:
        stats, slab_class = self.stats, meta >> LIST_SHIFT & CLASS_MASK
        stats.evicted[slab_class] += 1
        stats.evicted_time[slab_class] = self._access - self._arena.words[(handle << 1) + LAST_ACCESS]
        stats.evicted_nonzero[slab_class] += bool(meta & HAS_TTL)
        stats.evicted_unfetched[slab_class] += not meta & FETCHED
        stats.evicted_active[slab_class] += bool(meta & ACTIVE)
        self.unlink(handle)

    def _move_page(self, slab_class: int, keep: int) -> bool:
        """Give a class that owns nothing evictable a page of the class with the most; its items are evicted."""
        # the original lets every class take its first page beyond the limit; here the limit holds
        allocator = self.allocator
        for richest in sorted(range(1, self.classes.count + 1), key=lambda c: -allocator.pages[c]):
            if richest == slab_class:
                continue
            if any(self.move_page(page, slab_class, keep) for page in allocator.pages_of(richest)):
                return True
        return False

    def move_page(self, page: int, slab_class: int, keep: int = 0) -> bool:
        """Give a page to another class, evicting its items; not if it holds the item `keep` or one being written."""
        if not self._empty_page(page, keep):
            return False
        self.allocator.take_page(page)
        self.allocator.give_page(page, slab_class)
        self.stats.slabs_moved += 1
        return True

    def _empty_page(self, page: int, keep: int) -> bool:
        """Evict whatever has a chunk in the page, unless that is `keep` or not linked yet."""
        words, chunks = self._arena.words, self.allocator.chunks(page)
        owners = []
        for handle in chunks:
            word = handle << 1
            meta = words[word + META]
            owner = words[word + EXPTIME] if meta & PIECE else handle
            if meta and (owner == keep or not owner or not words[(owner << 1) + META] & LINKED):
                return False
            if meta:
                owners.append(owner)
        for owner in owners:
            meta = words[(owner << 1) + META]
            if meta & LINKED:  # not freed with another chunk of the same item
                self._evict(owner, meta)
        return True
