"""Pages and free chunks of each class. Keeps invariant I2 (used + free chunks = pages x chunks a page) and I3.

A page is one of these:

    unmade   no memory behind it: never used, or given back to the system
    pool     free, any class may take it: `stats` shows their number as slab_global_page_pool
    fresh    of a class, none of its chunks handed out yet
    carved   of a class, its chunks handed out in order from a mark, so that what no item has used stays untouched
    cut      of a class: each chunk was handed out once, and is used or on the class's free list
    leaving  of a class, one at most: its chunks are parked one by one, and then it is handed over

Chunks that come back go to the class's free list, linked both ways so that one can be parked without a search.
A parked chunk is on no list and names itself as the next. Free pages hold nothing but zeros, and no memory.
"""

from collections.abc import Callable, Sequence

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import META, NEXT, PREV
from memcache_server.store.slab_classes import CLASSES_MAX, SlabClasses

_CLASSES = CLASSES_MAX + 1
POOL = 0
"""The number of no class: as the owner of a page, and where `slabs reassign` moves free ones."""

OVERDRAFT = 4
"""Pages that classes without any may take beyond the limit for a moment, until the page mover has emptied others."""


class SlabAllocator:
    """Hands out chunks. The only writer of free chunks' headers."""

    __slots__ = (
        "_arena", "_carve", "_carve_end", "_free_head", "_fresh", "_units", "_unmade", "classes", "free", "leaving",
        "on_debt", "page_limit", "page_owner", "pages", "pages_end", "parked", "pool",
    )

    def __init__(self, arena: Arena, classes: SlabClasses) -> None:
        self._arena = arena
        self.classes = classes
        self._units = (0, *(size >> 3 for size in classes.sizes))  # chunk size of each class in handle units
        self.page_limit = arena.pages
        self.pages_end = 0  # no page from this number on was ever used
        self.page_owner = [POOL] * arena.pages  # page -> class
        self.pool: list[int] = []
        self._unmade: list[int] = []  # pages below pages_end that were given back
        self.pages = [0] * _CLASSES  # class -> pages it has
        self.free = [0] * _CLASSES  # class -> chunks that can be handed out
        self._free_head = [0] * _CLASSES
        self._carve = [0] * _CLASSES  # class -> next chunk to hand out of the page it carves, or 0
        self._carve_end = [0] * _CLASSES
        self._fresh: list[list[int]] = [[] for _ in range(_CLASSES)]
        self.on_debt: Callable[[], None] = lambda: None  # there are pages beyond the limit; the server's timer
        self.leaving = -1  # the page under way, or -1
        self.parked = 0  # of its chunks, those not to be handed out again

    @property
    def pages_made(self) -> int:
        """Pages of all classes and of the pool."""
        return self.pages_end - len(self._unmade)

    @property
    def debt(self) -> int:
        """Pages that must go: those beyond the limit."""
        return max(0, self.pages_made - self.page_limit)

    def set_page_limit(self, pages: int) -> None:
        """Allow so many pages from now on. Free ones beyond it go back to the system, others are a debt."""
        self.page_limit = pages
        self._give_back()
        if self.debt:
            self.on_debt()

    def allocate(self, slab_class: int) -> int:
        """A free chunk from the class's own pages, the pool's or a new one; 0 when there is none."""
        if handle := self._free_head[slab_class]:
            self._free_head[slab_class] = following = self._arena.nexts[handle]
            if following:
                self._arena.prevs[following] = 0
        else:
            handle = self._carve[slab_class] or self._begin_page(slab_class)
            if not handle:
                return 0
            following = handle + self._units[slab_class]
            self._carve[slab_class] = following if following < self._carve_end[slab_class] else 0
        self.free[slab_class] -= 1
        return handle

    def release(self, handle: int, slab_class: int) -> None:
        """Put a chunk on its class's free list."""
        arena, head = self._arena, self._free_head[slab_class]
        arena.longs[handle] = head  # next, and no prev
        arena.metas[handle] = 0
        if head:
            arena.prevs[head] = handle
        self._free_head[slab_class] = handle
        self.free[slab_class] += 1

    # pages

    def _begin_page(self, slab_class: int) -> int:
        """The first chunk of a page that the class begins to carve, or 0."""
        if not self._fresh[slab_class]:
            if not self.pool and self.pages_end - len(self._unmade) >= self.page_limit:
                return 0  # as each set into a full store finds it
            if not self._take_page(slab_class, self.page_limit):
                return 0
        page = self._fresh[slab_class].pop()
        self._carve[slab_class] = first = self._arena.page_handle(page)
        per_page = self.classes.chunks_per_page[slab_class - 1]
        self._carve_end[slab_class] = first + per_page * self._units[slab_class]
        return first

    def borrow_page(self, slab_class: int) -> bool:
        """Give a class a page even beyond the limit; False when too many are there already."""
        borrowed = self._take_page(slab_class, self.page_limit + OVERDRAFT)
        if self.debt:
            self.on_debt()
        return borrowed

    def _take_page(self, slab_class: int, limit: int) -> bool:
        """A page of the pool for a class, or a new one if there are fewer than `limit`."""
        if self.pool:
            page = self.pool.pop()
        elif self.pages_made >= limit:
            return False
        elif self._unmade:
            page = self._unmade.pop()
        elif self.pages_end < self._arena.pages:
            page = self.pages_end
            self.pages_end += 1
        else:
            return False
        return self.give_page(page, slab_class)

    def give_page(self, page: int, slab_class: int) -> bool:
        """Let a class have a free page that is not in the pool; False if there is no memory for it (-e)."""
        if not self._arena.hold_page(page):
            self._unmade.append(page)
            self.page_limit = self.pages_made  # until the limit is settled again
            return False
        self.page_owner[page] = slab_class
        self.pages[slab_class] += 1
        self.free[slab_class] += self.classes.chunks_per_page[slab_class - 1]
        self._fresh[slab_class].append(page)
        return True

    def _give_back(self) -> None:
        while self.pool and self.pages_made > self.page_limit:
            self._unmade.append(self.pool.pop())

    def chunks(self, page: int) -> range:
        """Handles of those chunks of a page that have been handed out before."""
        slab_class = self.page_owner[page]
        if not slab_class or page in self._fresh[slab_class]:
            return range(0)
        units, carve = self._units[slab_class], self._carve[slab_class]
        first = self._arena.page_handle(page)
        end = first + self.classes.chunks_per_page[slab_class - 1] * units
        return range(first, carve if first <= carve < end else end, units)

    # a page that leaves its class

    def page_to_leave(self, slab_class: int, behind: int) -> int:
        """The page of a class, which has one, that is best taken: a fresh one, else the first behind that number."""
        if self._fresh[slab_class]:
            return self._fresh[slab_class][-1]
        try:
            return self.page_owner.index(slab_class, behind + 1)
        except ValueError:
            return self.page_owner.index(slab_class)

    def begin_leaving(self, page: int) -> Sequence[int]:
        """Begin to take a page from its class; the chunks that are to be parked, the others are already."""
        slab_class, chunks = self.page_owner[page], self.chunks(page)
        self.leaving = page
        self.parked = self.classes.chunks_per_page[slab_class - 1] - len(chunks)
        if page in self._fresh[slab_class]:
            self._fresh[slab_class].remove(page)
        elif self.parked:
            self._carve[slab_class] = 0
        self.free[slab_class] -= self.parked
        return chunks

    def is_leaving(self, handle: int) -> bool:
        """Whether a chunk lies in the page that leaves."""
        return self._arena.page_of(handle) == self.leaving

    def is_parked(self, handle: int) -> bool:
        """Whether a free chunk of the page that leaves is on no list any more."""
        return self._arena.words[(handle << 1) + NEXT] == handle

    def park(self, handle: int) -> None:
        """A chunk of the page that leaves, on no list and in no use, is not handed out again."""
        words, word = self._arena.words, handle << 1
        words[word + NEXT] = handle
        words[word + META] = 0
        self.parked += 1

    def park_free(self, handle: int) -> None:
        """The same for a chunk on the free list."""
        words, word = self._arena.words, handle << 1
        slab_class, following, before = self.page_owner[self.leaving], words[word + NEXT], words[word + PREV]
        if before:
            words[(before << 1) + NEXT] = following
        else:
            self._free_head[slab_class] = following
        if following:
            words[(following << 1) + PREV] = before
        self.free[slab_class] -= 1
        self.park(handle)

    def finish_leaving(self, target: int) -> None:
        """All chunks are parked: the page goes to class `target`, or to the pool."""
        page, self.leaving, self.parked = self.leaving, -1, 0
        self.pages[self.page_owner[page]] -= 1
        self.page_owner[page] = POOL
        self._arena.forget_page(page)
        if target != POOL:
            self.give_page(page, target)
        else:
            self.pool.append(page)
            self._give_back()

    def stay(self) -> None:
        """The page does not leave after all: its parked chunks are free again."""
        page, self.leaving, self.parked = self.leaving, -1, 0
        slab_class, words = self.page_owner[page], self._arena.words
        first, units = self._arena.page_handle(page), self._units[slab_class]
        for handle in range(first, first + self.classes.chunks_per_page[slab_class - 1] * units, units):
            following, before, meta = words[handle << 1], words[(handle << 1) + PREV], words[(handle << 1) + META]
            never_used = not (following or before or meta) and self._free_head[slab_class] != handle
            if never_used or (following == handle and not meta):
                self.release(handle, slab_class)

    # for checks

    def pages_of(self, slab_class: int) -> list[int]:
        """Numbers of the pages a class owns."""
        return [page for page in range(self.pages_end) if self.page_owner[page] == slab_class]

    def free_chunks(self, slab_class: int) -> int:
        """Free chunks counted one by one."""
        count, handle = 0, self._free_head[slab_class]
        while handle:
            count += 1
            handle = self._arena.words[handle << 1]
        if self._carve[slab_class]:
            count += (self._carve_end[slab_class] - self._carve[slab_class]) // self._units[slab_class]
        return count + len(self._fresh[slab_class]) * self.classes.chunks_per_page[slab_class - 1]
