"""Items by key, alive or dead: finding, using, unlinking, flushing. Keeps invariants I1 and I5.

How room is made for them is `room`'s, how they are laid out `linked_items`'.
"""

from dataclasses import dataclass

from memcache_server.store.arena import NO_FILE, Arena
from memcache_server.store.chain import Chains
from memcache_server.store.chunk import (
    ACTIVE,
    CHUNKED,
    EXPTIME,
    FETCHED,
    GAP_MASK,
    GAP_SHIFT,
    HAS_TTL,
    KEY,
    KEY_LENGTH_MASK,
    LAST_ACCESS,
    LINKED,
    LIST_MASK,
    LIST_SHIFT,
    META,
    PIECE,
    TEXT,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.index import Index
from memcache_server.store.lru_tuning import LruTuning
from memcache_server.store.memory_limit import MemoryLimit
from memcache_server.store.segmented_lru import CLASS_MASK, COLD, HOT, SEGMENT_MASK, WARM, SegmentedLru
from memcache_server.store.slab_allocator import SlabAllocator
from memcache_server.store.slab_classes import PAGE_SIZE, SlabClasses, chunk_sizes
from memcache_server.store.store_stats import StoreStats

QUIET_MASK = FETCHED | ACTIVE | HAS_TTL | CHUNKED
BOTH_USES = FETCHED | ACTIVE
_QUIET = BOTH_USES  # a hit on such an item has nothing to do or to check
_NEVER_QUIET = -1
_SEGMENT, _IN_COLD = SEGMENT_MASK << LIST_SHIFT, COLD << LIST_SHIFT  # of a meta word
_BUMP_INTERVAL = 60  # seconds that a flat list leaves an item where it is (items.h ITEM_UPDATE_INTERVAL)


Form = tuple[int, int, int, int, int, bytes]
"""What items with the same client flags, and keys and values of the same lengths, have in common: class, size, text
length, meta, offset of the value in a chunk, and the text between key and value."""


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
    segmented: bool = True  # HOT, WARM, COLD; else one list a class, which is COLD
    file: int = NO_FILE  # descriptor of the file that is the memory (-e)


class LivingItems:
    """Items by key. Times are seconds of the server's clock; `tick` moves it."""

    __slots__ = (
        "_access", "_arena", "_cas", "_cas_step", "_chains", "_entry", "_flush_at", "_flushed", "_forms", "_quiet",
        "_reaping", "_scattered", "_shift", "allocator", "busy", "classes", "index", "lru", "memory_limit", "now",
        "options", "stats", "tuning",
    )

    _chains: Chains

    def __init__(self, options: StoreOptions) -> None:
        self.options = options
        pages = max(1, options.memory_limit // PAGE_SIZE)
        arena = Arena.with_room(pages, pages * options.limit_growth, options.file)
        sizes = chunk_sizes(options.growth_factor, options.chunk_minimum, options.chunk_max, options.slab_sizes)
        self.classes = SlabClasses(sizes)
        self.allocator = SlabAllocator(arena, self.classes)
        self.lru = SegmentedLru(arena)
        self.stats = StoreStats()
        self._arena = arena
        self.busy: dict[int, int] = {}  # items being laid out or sent -> by how many
        self.index = Index(arena, options.hash_power)
        self.memory_limit = MemoryLimit(self.allocator, self.index, pages, arena.pages)
        self._cas_step = 1 if options.cas else 0  # without CAS every unique is 0
        self._cas = self._cas_step
        self._forms: dict[tuple[bytes, int, int], Form] = {}  # by client flags, and lengths of key and value
        self.now = 2
        self._shift = 0  # flushes so far: added to last-access times, so that a flush divides a second
        self._access = 2  # now + shift: the last-access time of what is used now
        self._flushed = 0  # items last used at or before this are dead
        self._flush_at = 0  # when a delayed flush is due, or 0
        self._reaping = False  # flushed items may still have chunks
        self._scattered = False  # and not only at the tails: a flush was for a second in the past
        self._quiet = _QUIET  # the meta bits of items whose hits need no look at anything else
        self.tuning = LruTuning()
        self._entry = COLD  # the segment where new items go
        self.segmented = options.segmented

    @property
    def segmented(self) -> bool:
        """Whether new items go to HOT and hits set bits; else one list a class, and hits move items to its head."""
        return self._entry == HOT

    @segmented.setter
    def segmented(self, value: bool) -> None:
        self._entry = HOT if value else COLD
        self._settle_quiet()

    def _settle_quiet(self) -> None:
        self._quiet = _NEVER_QUIET if self._reaping or not self.segmented else _QUIET

    def find(self, key: bytes) -> int:
        """Handle of the live item of `key`, or 0. What is found dead is unlinked."""
        handle = self.index.find(key)
        if handle and self.is_dead(handle):
            self._drop_dead(handle)
            return 0
        return handle

    def _text(self, handle: int) -> bytes:
        word, at = handle << 1, (handle << 3) + TEXT
        words = self._arena.words
        if words[word + META] & CHUNKED:
            return b"".join([self._arena.bytes[at : at + length] for at, length in self._chains.spans(handle)])
        return self._arena.bytes[at : at + words[word + TEXT_LENGTH]]

    def _value_at(self, handle: int) -> int:
        """Offset of the value in the text."""
        meta = self._arena.words[(handle << 1) + META]
        return (meta & KEY_LENGTH_MASK) + (meta >> GAP_SHIFT & GAP_MASK)

    def _mark_used(self, handle: int, meta: int) -> int:
        """A hit sets a bit: the first FETCHED, the next ACTIVE with the time. Takes and returns the item's meta.

        An item of COLD that would become active goes to WARM. A flat list only knows FETCHED.
        """
        arena = self._arena
        if self._entry == COLD:
            arena.metas[handle] = meta = meta | FETCHED
            self._bump(handle)
        elif not meta & FETCHED:
            arena.metas[handle] = meta = meta | FETCHED
        elif not meta & ACTIVE:
            arena.accesses[handle] = self._access
            if meta & _SEGMENT == _IN_COLD:
                meta = self.move_to_warm(handle, meta)
            else:
                arena.metas[handle] = meta = meta | ACTIVE
        return meta

    def move_to_warm(self, handle: int, meta: int) -> int:
        """Move an active item of HOT or COLD to the head of WARM, no longer active. Returns its meta."""
        arena = self._arena
        number, size = meta >> LIST_SHIFT & LIST_MASK, item_size(arena.lengths[handle], meta)
        warm = number & CLASS_MASK | WARM
        self.lru.move(handle, number, warm, size)
        self.stats.moves_to_warm[number & CLASS_MASK] += 1
        arena.metas[handle] = meta = (meta ^ (number ^ warm) << LIST_SHIFT) & ~ACTIVE
        return meta

    def _bump(self, handle: int) -> None:
        """Recent again: the time in segments; in a flat list the head, if it has not been there lately."""
        arena = self._arena
        if self.segmented:
            arena.accesses[handle] = self._access
        elif arena.accesses[handle] < self._access - _BUMP_INTERVAL:
            arena.accesses[handle] = self._access
            self.lru.to_head(handle, arena.metas[handle] >> LIST_SHIFT & LIST_MASK)

    # life and death

    def _expired(self, handle: int) -> bool:
        exptime = self._arena.words[(handle << 1) + EXPTIME]
        return exptime != 0 and exptime <= self.now

    def is_dead(self, handle: int) -> bool:
        """Whether an item has expired or was flushed."""
        return 0 < self._arena.exptimes[handle] <= self.now or self._arena.accesses[handle] <= self._flushed

    def is_reclaimable(self, handle: int) -> bool:
        """What a tail frees: flushed, or expired before this second (items.c lru_pull_tail), a second after it dies."""
        return 0 < self._arena.exptimes[handle] < self.now or self._arena.accesses[handle] <= self._flushed

    def _drop_dead(self, handle: int) -> None:
        """Unlink an item that a look-up found dead; the original counts these under get whatever the command."""
        if self._expired(handle):
            self.stats.get_expired += 1
        else:
            self.stats.get_flushed += 1
        self.unlink(handle)

    def discard(self, key: bytes) -> None:
        """Remove an item without counting a delete: a store of its key has failed."""
        handle = self.index.find(key)
        if handle:
            self.unlink(handle)

    def unlink(self, handle: int) -> None:
        """Take an item out of index and LRU and free its chunks."""
        arena, at = self._arena, (handle << 3) + TEXT + KEY
        meta = arena.metas[handle]
        self.index.remove(arena.bytes[at : at + (meta & KEY_LENGTH_MASK)], handle)
        number = meta >> LIST_SHIFT & LIST_MASK
        self.lru.unlink(handle, number, item_size(arena.lengths[handle], meta))
        if self.busy and handle in self.busy:
            arena.metas[handle] = meta & ~LINKED  # whoever reads it last frees it
        elif meta & CHUNKED:
            self._chains.release(handle)
        else:
            self.allocator.release(handle, number & CLASS_MASK)

    # items in use for longer than one call

    def pin(self, handle: int) -> None:
        """Keep an item's chunks and their bytes until as many calls of `unpin`, even if it is unlinked."""
        self.busy[handle] = self.busy.get(handle, 0) + 1

    def unpin(self, handle: int) -> None:
        """Let them go; an item that was unlinked meanwhile is freed. Nothing once the store was saved (-e)."""
        left = self.busy.pop(handle, 0) - 1
        if left > 0:
            self.busy[handle] = left
        elif not left and not self._arena.words[(handle << 1) + META] & LINKED:
            self._free(handle)

    def _free(self, handle: int) -> None:
        """Free the chunks of an item that is linked no more, or not yet."""
        meta = self._arena.words[(handle << 1) + META]
        if meta & (CHUNKED | PIECE):
            self._chains.release(handle)
        else:
            self.allocator.release(handle, meta >> LIST_SHIFT & CLASS_MASK)

    def spans(self, handle: int, start: int = 0) -> list[tuple[int, int]]:
        """Where an item's text lies from byte `start` of it: byte offsets in the arena, and lengths."""
        words, word = self._arena.words, handle << 1
        if not words[word + META] & (CHUNKED | PIECE):
            return [((handle << 3) + TEXT + start, words[word + TEXT_LENGTH] - start)]
        (at, length), *others = self._chains.spans(handle)
        return [(at + start, length - start), *others] if start < length else others

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
        self._scattered = False
        self._flush(mark)

    def flush_at(self, second: int) -> None:
        """Kill, at that second, every item last used up to its end (flush_all with a delay)."""
        self._flush_at = second
        self._scattered = self._scattered or second < self.now
        self.tick(self.now)

    def _flush(self, mark: int) -> None:
        self._flush_at = 0
        self._flushed = max(self._flushed, mark)
        self._reaping = True
        self._settle_quiet()

    @property
    def may_reap(self) -> bool:
        """Whether flushed items may still have chunks."""
        return self._reaping

    def reap(self, budget: int) -> bool:
        """Free up to `budget` flushed items from the tails; whether there may be more."""
        if not self._reaping:
            return False
        words = self._arena.words
        for number in range(256):
            while (handle := self.lru.tail[number]) and words[(handle << 1) + LAST_ACCESS] <= self._flushed:
                if not budget:
                    return True
                budget -= 1
                self.unlink(handle)
        if self._access > self._flushed and not self._scattered:  # else items stored in this second are still born dead
            self._reaping = False
            self._settle_quiet()
        return False

    # for statistics and checks

    @property
    def arena(self) -> Arena:
        """The memory."""
        return self._arena

    @property
    def chains(self) -> Chains:
        """Items of several chunks."""
        return self._chains

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

    def tail_age(self, number: int) -> int:
        """Seconds since the item at the tail of list `number` was last used."""
        handle = self.lru.tail[number]
        return max(0, self._access - self._arena.words[(handle << 1) + LAST_ACCESS]) if handle else 0

    @property
    def curr_items(self) -> int:
        """Items linked, dead ones not yet noticed included."""
        return self.index.count
