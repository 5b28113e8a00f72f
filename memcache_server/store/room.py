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
    PREV,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.living_items import LivingItems, StoreOptions
from memcache_server.store.segmented_lru import CLASS_MASK, COLD, HOT, SEGMENT_MASK, WARM

_ATTEMPTS = 10  # at making room for one item
_TAIL_LOOKS = 5  # items looked at in one attempt


class RoomMaker(LivingItems):
    """Allocates chunks, if need be by evicting."""

    __slots__ = ()

    def __init__(self, options: StoreOptions) -> None:
        super().__init__(options)
        self._chains = Chains(self._arena, self.classes, self._allocate, self.allocator.release)

    def _allocate(self, slab_class: int, keep: int = 0) -> int:
        """A free chunk, if need be by evicting; the item `keep` survives a page move. 0: nothing can be had."""
        if not self.segmented:
            self._pull_cold(slab_class, evict=False)
        return self.allocator.allocate(slab_class) or self._make_room(slab_class, keep)

    def _make_room(self, slab_class: int, keep: int) -> int:
        """As the original: evict the tail of COLD, or let a list above it sink into COLD, and try again."""
        for attempt in range(1, _ATTEMPTS + 1):
            if not self._pull_cold(slab_class, self.options.evictions) and not self._sink(slab_class):
                break
            handle = self.allocator.allocate(slab_class)
            if handle:
                self.stats.direct_reclaims[slab_class] += attempt
                return handle
        if self.options.evictions and self._move_page(slab_class, keep):
            return self.allocator.allocate(slab_class)
        return 0

    def _pull_cold(self, slab_class: int, evict: bool) -> bool:
        """Free the dead items at the tail of COLD, a few at most, and then evict one if asked; whether any went."""
        handle, freed = self.lru.tail[slab_class | COLD], False
        for _ in range(_TAIL_LOOKS):
            if not handle:
                break
            before = self._arena.words[(handle << 1) + PREV]
            if self.is_dead(handle):
                self.reclaim(handle)
                freed = True
            else:
                if evict:
                    self._evict(handle, self._arena.words[(handle << 1) + META])
                    freed = True
                break
            handle = before
        return freed

    def _sink(self, slab_class: int) -> bool:
        """Move the tail of HOT, or else of WARM, where evictions reach it; whether there was one."""
        if not self.segmented:
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
        if self.is_dead(handle):
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
