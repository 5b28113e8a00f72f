"""Moves pages between slab classes, and to the pool, in small steps that lose no item which has a place to go.

    reassign or a debt ──► a page begins to leave: what nobody has used of it is not handed out any more
          step by step ──► free chunk: parked · dead item: freed · live item: copied to another chunk of its class
       nothing is left ──► the page goes to its new class or to the pool

A chunk that is being filled or sent belongs to whom it is busy for, and is looked at again in the next round.
Where memory is full, the class's own tail makes room, as for any item; without evictions (-M) such an item waits.
"""

from collections.abc import Sequence
from enum import IntEnum

from memcache_server.store.chunk import (
    CHUNKED,
    EXPTIME,
    HEADER,
    LINKED,
    LIST_MASK,
    LIST_SHIFT,
    META,
    PIECE,
    TEXT_LENGTH,
)
from memcache_server.store.meta_items import MetaItems
from memcache_server.store.segmented_lru import COLD
from memcache_server.store.slab_allocator import POOL

ANY = -1
_PAGES_LEFT = 1  # a class keeps its last page, unless the limit wants it
_ROOM_TRIES = 10  # at making room for one item
_INLINE_TRIES = 64  # free chunks of the page itself met while looking for one elsewhere
_ROUNDS_MAX = 1000  # over a page with busy chunks: about half a minute, then it stays where it is
_BYTES_A_CHUNK = 4096  # copying so much costs as much as a small item
_OUTSIDE_COST = 2  # of evicting another item


class Reassigned(IntEnum):
    """How a request to move a page ended."""

    OK = 0
    BUSY = 1
    BAD_CLASS = 2
    NO_SPARE = 3
    SAME = 4


class Progress(IntEnum):
    """What is left after a step."""

    IDLE = 0  # nothing to move
    MORE = 1
    WAIT = 2  # some chunks are busy, or there is no room: again a little later


class PageMover:
    """One page at a time. `last_busy_status` says why a chunk could not be cleared, in the original's words."""

    __slots__ = (
        "_busy", "_chunks", "_cost", "_may_evict", "_next", "_page", "_picked", "_rounds", "_source", "_store",
        "_stuck", "_target", "last_busy_status",
    )

    def __init__(self, store: MetaItems) -> None:
        self._store = store
        self._page = -1
        self._source = self._target = 0
        self._may_evict = False
        self._chunks: Sequence[int] = ()  # of the page, those to clear in this round
        self._next = 0  # of these, the first not looked at
        self._busy: list[int] = []  # those to look at again
        self._rounds = 0
        self._cost = 0
        self._stuck = -1  # the page that was given up last: another has its turn
        self._picked = 0  # the class that was last chosen for ANY
        self.last_busy_status = "none"

    @property
    def running(self) -> bool:
        """Whether a page is under way."""
        return self._page >= 0 and self._store.allocator.leaving == self._page

    def reassign(self, source: int, target: int, may_evict: bool = True) -> Reassigned:
        """Begin to move a page from class `source` (-1: any) to `target`; class 0 is the pool.

        The judgements come in the original's order (slabs_mover.c do_slabs_reassign). Unless it `may_evict`, a
        class that fills up meanwhile keeps its page.
        """
        allocator = self._store.allocator
        if self.running:
            return Reassigned.BUSY
        if source == target:
            return Reassigned.SAME
        if source == ANY:
            source = self._pick(target)
        classes = range(self._store.classes.count + 1)
        if source not in classes or target not in classes:
            return Reassigned.BAD_CLASS
        if (len(allocator.pool) if source == POOL else allocator.pages[source]) <= _PAGES_LEFT:
            return Reassigned.NO_SPARE
        if source == POOL:
            allocator.give_page(allocator.pool.pop(), target)
            self._store.stats.slabs_moved += 1
        else:
            full = not allocator.pool and allocator.pages_made >= allocator.page_limit
            self._begin(source, target, may_evict or full)
        return Reassigned.OK

    def _pick(self, target: int) -> int:
        """The next class in turn that has a page to spare, or -1 (slabs.c slabs_pick_any_for_reassign)."""
        allocator, count = self._store.allocator, self._store.classes.count + 1
        for number in range(self._picked + 1, self._picked + 1 + count):
            source = number % count
            if source != target and (allocator.pages[source] if source else len(allocator.pool)) > _PAGES_LEFT:
                self._picked = source
                return source
        return ANY

    def _begin(self, source: int, target: int, may_evict: bool) -> None:
        allocator = self._store.allocator
        self._page = allocator.page_to_leave(source, self._stuck)
        self._chunks = allocator.begin_leaving(self._page)
        self._source, self._target = source, target
        self._may_evict = may_evict and self._store.options.evictions
        self._busy, self._next, self._rounds = [], 0, 0

    def _begin_debt(self) -> bool:
        """Begin with a page that the memory limit wants back, if there is one."""
        allocator = self._store.allocator
        source = self._debtor() if allocator.debt else POOL
        if source == POOL:
            return False
        self._begin(source, POOL, may_evict=True)
        return True

    def _debtor(self) -> int:
        """The class that can spare a page best: with a free one, else whose tail is oldest; 0 if none can."""
        store, allocator, per_page = self._store, self._store.allocator, self._store.classes.chunks_per_page
        owners = [number for number in range(1, store.classes.count + 1) if allocator.pages[number]]
        for number in owners:
            if allocator.free[number] >= per_page[number - 1]:
                return number
        if not store.options.evictions:
            return POOL
        spare = [number for number in owners if allocator.pages[number] > _PAGES_LEFT]
        # at the same age, the items are fewer the larger they are
        return max(spare or owners, key=lambda number: (store.tail_age(number | COLD), number), default=POOL)

    def step(self, budget: int) -> Progress:
        """Clear chunks of the page under way, or of one that the limit wants back: `budget` small items at most."""
        if not self.running and not self._begin_debt():
            return Progress.IDLE
        self._cost = 0
        while self._cost < budget:
            if self._next < len(self._chunks):
                handle = self._chunks[self._next]
                self._next += 1
                self._cost += 1
                if not self._clear(handle):
                    self._busy.append(handle)
            elif self._busy:
                return self._next_round()
            else:
                self._finish()
                if not self._begin_debt():
                    return Progress.IDLE
        return Progress.MORE

    def _next_round(self) -> Progress:
        self._store.stats.slab_reassign_busy_items += len(self._busy)
        self._rounds += 1
        if self._rounds >= _ROUNDS_MAX:
            self.abandon()
            return Progress.IDLE
        self._chunks, self._busy, self._next = self._busy, [], 0
        return Progress.WAIT

    def abandon(self) -> None:
        """Leave the page under way where it is, if there is one."""
        if self.running:
            self._store.allocator.stay()
            self._stuck = self._page
        self._page = -1

    def _finish(self) -> None:
        allocator = self._store.allocator
        allocator.finish_leaving(POOL if allocator.debt else self._target)
        self._store.stats.slabs_moved += 1
        self._page = self._stuck = -1

    # one chunk

    def _clear(self, handle: int) -> bool:
        """Park a chunk of the page, once what it holds has gone elsewhere; False if that is not possible now."""
        store, allocator = self._store, self._store.allocator
        owner = self._owner(handle)
        if owner in store.busy:
            self.last_busy_status = "busy_active"
            return False
        if owner and store.is_dead(owner):
            store.unlink(owner)
        elif owner:
            room = self._room(handle, owner)
            if room:
                self._copy(handle, owner, room)
                return True
            # making room may have taken this very item
            if self._owner(handle) == owner and not self._make_do(owner):
                return False
        if store.arena.words[(handle << 1) + META]:
            self.last_busy_status = "busy_floating"
            return False
        if not allocator.is_parked(handle):
            allocator.park_free(handle)
        return True

    def _make_do(self, owner: int) -> bool:
        """Delete an item that no room can be made for: its class has nothing but parts of such items."""
        stats = self._store.stats
        if not self._may_evict or self._store.free_tail(self._source):
            self.last_busy_status = "busy"
            stats.slab_reassign_busy_nomem += 1
            return False
        self._store.evict(owner)
        stats.slab_reassign_busy_deletes += 1
        return True

    def _owner(self, handle: int) -> int:
        """The linked item that a chunk belongs to, or 0."""
        words = self._store.arena.words
        meta = words[(handle << 1) + META]
        owner = words[(handle << 1) + EXPTIME] if meta & PIECE else handle
        return owner if meta and owner and words[(owner << 1) + META] & LINKED else 0

    def _room(self, handle: int, owner: int) -> int:
        """A free chunk of the class, outside the page; 0 when there is none, or no need any more."""
        store, allocator, source = self._store, self._store.allocator, self._source
        for _ in range(_ROOM_TRIES):
            for _ in range(_INLINE_TRIES):
                # a page of the pool would not be worth it, but a new one is, while memory is not full
                room = allocator.allocate(source) if allocator.free[source] or not allocator.pool else 0
                if not room:
                    break
                if not allocator.is_leaving(room):
                    return room
                allocator.park(room)
                store.stats.slab_reassign_inline_reclaim += 1
                self._cost += 1
            self._cost += _OUTSIDE_COST
            if not self._may_evict or not store.free_tail(source) or self._owner(handle) != owner:
                return 0
        return 0

    def _copy(self, handle: int, owner: int, room: int) -> None:
        """Let `room` take the place of a chunk, in its chain, or in the index and its LRU list."""
        store, words, data = self._store, self._store.arena.words, self._store.arena.bytes
        meta = words[(handle << 1) + META]
        size = store.classes.sizes[self._source - 1]
        if not meta & CHUNKED:
            size = min(size, HEADER + words[(handle << 1) + TEXT_LENGTH])
        self._cost += size // _BYTES_A_CHUNK
        data[room << 3 : (room << 3) + size] = data[handle << 3 : (handle << 3) + size]
        if meta & PIECE:
            store.chains.replace_piece(owner, handle, room)
            store.stats.slab_reassign_chunk_rescues += 1
        else:
            if meta & CHUNKED:
                store.chains.name_first(room)
            store.index.replace(store.key_of(handle), handle, room)
            store.lru.replace(handle, room, meta >> LIST_SHIFT & LIST_MASK)
            store.stats.slab_reassign_rescues += 1
        store.allocator.park(handle)
