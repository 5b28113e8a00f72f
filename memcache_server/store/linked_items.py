"""Items as linked chunks: finding, linking, unlinking, killing and evicting. Keeps invariants I1, I4 and I5.

What a command means is `store`'s; this is what it is made of.
"""

from bisect import bisect_left
from dataclasses import dataclass

from memcache_server.store.arena import Arena
from memcache_server.store.chain import Chains
from memcache_server.store.chunk import (
    ACTIVE,
    CHUNKED,
    EXPTIME,
    FETCHED,
    GAP_MASK,
    GAP_SHIFT,
    HAS_FLAGS,
    HAS_TTL,
    ITEM_OVERHEAD,
    KEY,
    KEY_LENGTH_MASK,
    LAST_ACCESS,
    LINKED,
    LIST_MASK,
    LIST_SHIFT,
    META,
    PIECE,
    STATE,
    STATE_AT,
    TEXT,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.index import Index
from memcache_server.store.segmented_lru import CLASS_MASK, COLD, SegmentedLru
from memcache_server.store.slab_allocator import SlabAllocator
from memcache_server.store.slab_classes import PAGE_SIZE, SlabClasses, chunk_sizes
from memcache_server.store.store_stats import StoreStats

QUIET_MASK = FETCHED | ACTIVE | HAS_TTL | CHUNKED
_QUIET = FETCHED | ACTIVE  # a hit on such an item has nothing to do or to check
_NEVER_QUIET = -1
_PLACE_MASK = LIST_MASK << LIST_SHIFT | CHUNKED  # what must agree for a chunk to be written over
_SECOND_CHANCES = 5  # active items an eviction spares before it takes one all the same

STORED, NOT_STORED, EXISTS, NOT_FOUND, TOO_LARGE, NO_MEMORY, NON_NUMERIC = range(7)
"""How an attempt to store ended."""


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """What the store is made of; sizes in bytes."""

    memory_limit: int = 64 << 20
    limit_growth: int = 1  # the limit may be raised to so many times of it: address space, not memory
    item_size_max: int = 1 << 20
    growth_factor: float = 1.25
    chunk_minimum: int = 48
    evictions: bool = True
    chunk_max: int = PAGE_SIZE // 2
    slab_sizes: tuple[int, ...] = ()  # chunk sizes in place of those that growth_factor gives
    cas: bool = True
    hash_power: int = 16  # base-2 logarithm of the index's first number of slots


class LinkedItems:
    """Items by key. Times are seconds of the server's clock; `tick` moves it."""

    __slots__ = (
        "_access", "_arena", "_cas", "_cas_step", "_chains", "_flush_at", "_flushed", "_quiet", "_shift",
        "allocator", "classes", "index", "lru", "now", "options", "stats",
    )

    def __init__(self, options: StoreOptions) -> None:
        self.options = options
        pages = max(1, options.memory_limit // PAGE_SIZE)
        arena = Arena.with_room(pages, pages * options.limit_growth)
        sizes = chunk_sizes(options.growth_factor, options.chunk_minimum, options.chunk_max, options.slab_sizes)
        self.classes = SlabClasses(sizes)
        self.allocator = SlabAllocator(arena, self.classes)
        self.allocator.page_limit = pages
        self.lru = SegmentedLru(arena)
        self.stats = StoreStats()
        self._arena = arena
        self.index = Index(arena, options.hash_power)
        self._chains = Chains(arena, self.classes, self._allocate, self.allocator.release)
        self._cas_step = 1 if options.cas else 0  # without CAS every unique is 0
        self._cas = self._cas_step
        self.now = 2
        self._shift = 0  # flushes so far: added to last-access times, so that a flush divides a second
        self._access = 2  # now + shift: the last-access time of what is used now
        self._flushed = 0  # items last used at or before this are dead
        self._flush_at = 0  # when a delayed flush is due, or 0
        self._quiet = _QUIET

    def find(self, key: bytes) -> int:
        """Handle of the live item of `key`, or 0. What is found dead is unlinked."""
        handle = self.index.find(key)
        if handle and self._is_dead(handle):
            self._drop_dead(handle)
            return 0
        return handle

    def _text(self, handle: int) -> bytes:
        word, at = handle << 1, (handle << 3) + TEXT
        words = self._arena.words
        if words[word + META] & CHUNKED:
            return self._chains.read(handle)
        return self._arena.bytes[at : at + words[word + TEXT_LENGTH]]

    def _value_at(self, handle: int) -> int:
        """Offset of the value in the text."""
        meta = self._arena.words[(handle << 1) + META]
        return (meta & KEY_LENGTH_MASK) + (meta >> GAP_SHIFT & GAP_MASK)

    def _mark_used(self, handle: int) -> int:
        """A hit sets a bit: the first FETCHED, the next ACTIVE with the time. Returns the item's meta."""
        words, word = self._arena.words, handle << 1
        meta = words[word + META]
        if not meta & FETCHED:
            meta |= FETCHED
        elif not meta & ACTIVE:
            meta |= ACTIVE
            words[word + LAST_ACCESS] = self._access
        words[word + META] = meta
        return meta

    # life and death

    def _expired(self, handle: int) -> bool:
        exptime = self._arena.words[(handle << 1) + EXPTIME]
        return exptime != 0 and exptime <= self.now

    def _is_dead(self, handle: int) -> bool:
        return self._expired(handle) or self._arena.words[(handle << 1) + LAST_ACCESS] <= self._flushed

    def _drop_dead(self, handle: int) -> None:
        """Unlink an item that a look-up found dead; the original counts these under get whatever the command."""
        if self._expired(handle):
            self.stats.get_expired += 1
        else:
            self.stats.get_flushed += 1
        self.unlink(handle)

    def unlink(self, handle: int) -> None:
        """Take an item out of index and LRU and free its chunks."""
        word, at = handle << 1, (handle << 3) + TEXT + KEY
        meta = self._arena.words[word + META]
        key = self._arena.bytes[at : at + (meta & KEY_LENGTH_MASK)]
        number = meta >> LIST_SHIFT & LIST_MASK
        self.index.remove(key, handle)
        self.lru.unlink(handle, number, item_size(self._arena.words[word + TEXT_LENGTH], meta))
        if meta & CHUNKED:
            self._chains.release(handle)
        else:
            self.allocator.release(handle, number & CLASS_MASK)

    def tick(self, now: int) -> None:
        """Move the clock; a delayed flush that is due happens."""
        self.now = now
        self._access = now + self._shift
        if self._flush_at and now >= self._flush_at:
            self._flush(self._flush_at + self._shift)

    def flush(self) -> None:
        """Kill every item there is. What is stored later lives, even in the same second."""
        mark = self.now + self._shift
        self._shift += 1
        self._access += 1
        self._flush(mark)

    def flush_at(self, second: int) -> None:
        """Kill, at that second, every item last used up to its end (flush_all with a delay)."""
        self._flush_at = second
        self.tick(self.now)

    def _flush(self, mark: int) -> None:
        self._flush_at = 0
        self._flushed = mark
        self._quiet = _NEVER_QUIET

    @property
    def may_reap(self) -> bool:
        """Whether flushed items may still have chunks."""
        return self._quiet == _NEVER_QUIET

    def reap(self, budget: int) -> bool:
        """Free up to `budget` flushed items from the tails; whether there may be more."""
        if self._quiet != _NEVER_QUIET:
            return False
        words = self._arena.words
        for number in range(256):
            while (handle := self.lru.tail[number]) and words[(handle << 1) + LAST_ACCESS] <= self._flushed:
                if not budget:
                    return True
                budget -= 1
                self.unlink(handle)
        if self._access > self._flushed:  # else items stored in this second are still born dead
            self._quiet = _QUIET
        return False

    # linking

    def _next_cas(self) -> int:
        self._cas += self._cas_step
        return self._cas

    def _write(self, key: bytes, flags: bytes, exptime: int, value: bytes, old: int) -> int:
        """Lay out and link an item in place of `old` (0: none). STORED, TOO_LARGE or NO_MEMORY (old stays)."""
        key_length, value_length = len(key), len(value)
        text = b"VALUE %b %b %d\r\n%b" % (key, flags, value_length - 2, value)
        text_length = len(text)
        size = key_length + value_length + ITEM_OVERHEAD
        meta = key_length | (text_length - value_length - key_length) << GAP_SHIFT | LINKED
        if flags != b"0":
            size += 4
            meta |= HAS_FLAGS
        if exptime:
            meta |= HAS_TTL
        if size > self.options.item_size_max:
            return TOO_LARGE
        slab_class = bisect_left(self.classes.sizes, size) + 1
        arena = self._arena
        if slab_class > self.classes.count:
            handle = self._chain_for(key, size, text, old)
            number = self.classes.count | COLD
            meta |= CHUNKED
        else:
            number = slab_class | COLD
            words, word = arena.words, old << 1
            if old and words[word + META] & _PLACE_MASK == number << LIST_SHIFT:
                # the same class: written over, the item only moves to the head
                handle = old
                change = size - item_size(words[word + TEXT_LENGTH], words[word + META])
                if change:
                    self.lru.resize(number, change)
                self.lru.to_head(old, number)
            else:
                handle = self._chunk_for(key, size, number, old)
            at = (handle << 3) + TEXT
            if handle:
                arena.bytes[at : at + text_length] = text
        if not handle:
            self.stats.outofmemory[number & CLASS_MASK] += 1
            return NO_MEMORY
        self._cas = unique = self._cas + self._cas_step
        at, meta = (handle << 3) + STATE_AT, meta | number << LIST_SHIFT
        STATE.pack_into(arena.bytes, at, exptime, self._access, text_length, meta, unique)
        self.stats.stores[number & CLASS_MASK] += 1
        return STORED

    def _chunk_for(self, key: bytes, size: int, number: int, old: int) -> int:
        """Another chunk for an item than that of `old`, linked in its place; 0 when there is none."""
        handle = self._allocate(number & CLASS_MASK, old)
        if handle:
            self._link_over(handle, key, size, number, old)
        return handle

    def _chain_for(self, key: bytes, size: int, text: bytes, old: int) -> int:
        """A chain with `text`, linked in place of `old`; 0 when there is no room."""
        handle = self._chains.write(text)
        if handle:
            self._link_over(handle, key, size, self.classes.count | COLD, old)
        return handle

    def _link_over(self, handle: int, key: bytes, size: int, number: int, old: int) -> None:
        # making room may have evicted the old one; its chunk may be ours now, but is not linked again yet
        if old and self._arena.words[(old << 1) + META] & LINKED:
            self._free_replaced(old)
            self.index.replace(key, old, handle)
        else:
            self.index.insert(key, handle)
        self.lru.link(handle, number, size)

    def _free_replaced(self, old: int) -> None:
        """Free the chunks of an item whose entry in the index is about to name another."""
        word = old << 1
        meta = self._arena.words[word + META]
        number = meta >> LIST_SHIFT & LIST_MASK
        self.lru.unlink(old, number, item_size(self._arena.words[word + TEXT_LENGTH], meta))
        if meta & CHUNKED:
            self._chains.release(old)
        else:
            self.allocator.release(old, number & CLASS_MASK)

    # making room

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

    # for statistics and checks

    @property
    def arena(self) -> Arena:
        """The memory."""
        return self._arena

    @property
    def cas_counter(self) -> int:
        """The CAS unique given out last."""
        return self._cas

    @property
    def flush_marks(self) -> tuple[int, int]:
        """The last-access time up to which items are dead, and by how much such times run ahead of the clock."""
        return self._flushed, self._shift

    def pieces(self, handle: int) -> list[int]:
        """The chunks of a chain behind its first."""
        return self._chains.pieces(handle)

    def tail_age(self, slab_class: int) -> int:
        """Seconds since the class's next item to go was last used."""
        handle = self.lru.tail[slab_class | COLD]
        return max(0, self._access - self._arena.words[(handle << 1) + LAST_ACCESS]) if handle else 0

    @property
    def curr_items(self) -> int:
        """Items linked, dead ones not yet noticed included."""
        return self.index.count
