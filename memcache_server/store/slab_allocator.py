"""Pages and free chunks of each class. Keeps invariant I2 (used + free chunks = pages x chunks a page) and I3.

A fresh page is not cut at once: its chunks are handed out in order from a mark (`carve`), so memory that no
item has used stays untouched. Chunks that come back go to the class's free list, linked both ways so that a
page can be taken from a class without searching.
"""

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import META, NEXT, PREV
from memcache_server.store.slab_classes import CLASSES_MAX, SlabClasses

_CLASSES = CLASSES_MAX + 1


class SlabAllocator:
    """Hands out chunks. The only writer of free chunks' headers."""

    __slots__ = (
        "_arena", "_carve", "_carve_end", "_free_head", "_units", "classes", "free", "page_limit", "page_owner",
        "pages", "pages_made",
    )

    def __init__(self, arena: Arena, classes: SlabClasses) -> None:
        self._arena = arena
        self.classes = classes
        self._units = (0, *(size >> 3 for size in classes.sizes))  # chunk size of each class in handle units
        self.page_limit = arena.pages
        self.pages_made = 0  # pages of the arena in use, each with an owner
        self.page_owner = [0] * arena.pages  # page -> class
        self.pages = [0] * _CLASSES  # class -> pages it has
        self.free = [0] * _CLASSES  # class -> free chunks, not yet carved ones included
        self._free_head = [0] * _CLASSES
        self._carve = [0] * _CLASSES  # class -> next chunk to hand out of its newest page, or 0
        self._carve_end = [0] * _CLASSES

    def set_page_limit(self, pages: int) -> bool:
        """Allow so many pages from now on; those in use stay. False beyond what the arena has address space for."""
        if pages > self._arena.pages:
            return False
        self.page_limit = pages
        return True

    def allocate(self, slab_class: int) -> int:
        """A free chunk, its meta 0, from the class's own pages or a new one; 0 when there is none."""
        handle = self._free_head[slab_class]
        if handle:
            following = self._arena.words[handle << 1]
            self._free_head[slab_class] = following
            if following:
                self._arena.words[(following << 1) + PREV] = 0
        else:
            handle = self._carve[slab_class]
            if not handle:
                if self.pages_made >= self.page_limit:
                    return 0
                self.give_page(self.pages_made, slab_class)
                self.pages_made += 1
                handle = self._carve[slab_class]
            following = handle + self._units[slab_class]
            self._carve[slab_class] = following if following < self._carve_end[slab_class] else 0
        self.free[slab_class] -= 1
        return handle

    def release(self, handle: int, slab_class: int) -> None:
        """Put a chunk on its class's free list."""
        words, word = self._arena.words, handle << 1
        head = self._free_head[slab_class]
        words[word + NEXT] = head
        words[word + PREV] = 0
        words[word + META] = 0
        if head:
            words[(head << 1) + PREV] = handle
        self._free_head[slab_class] = handle
        self.free[slab_class] += 1

    def give_page(self, page: int, slab_class: int) -> None:
        """Let a class carve its chunks from `page`, which no class owns."""
        first = self._arena.page_handle(page)
        per_page = self.classes.chunks_per_page[slab_class - 1]
        self._finish_carving(slab_class)
        self._carve[slab_class] = first
        self._carve_end[slab_class] = first + per_page * self._units[slab_class]
        self.page_owner[page] = slab_class
        self.pages[slab_class] += 1
        self.free[slab_class] += per_page

    def chunks(self, page: int) -> range:
        """Handles of the chunks of an owned page that have been handed out before."""
        slab_class = self.page_owner[page]
        first, units = self._arena.page_handle(page), self._units[slab_class]
        end = first + self.classes.chunks_per_page[slab_class - 1] * units
        if first <= self._carve[slab_class] < end:
            end = self._carve[slab_class]
        return range(first, end, units)

    def take_page(self, page: int) -> None:
        """Take a page, all of whose chunks are free, from its class."""
        words, slab_class = self._arena.words, self.page_owner[page]
        for handle in self.chunks(page):
            word = handle << 1
            following, before = words[word + NEXT], words[word + PREV]
            if before:
                words[(before << 1) + NEXT] = following
            else:
                self._free_head[slab_class] = following
            if following:
                words[(following << 1) + PREV] = before
        if self._arena.page_of(self._carve[slab_class]) == page:
            self._carve[slab_class] = 0
        self.free[slab_class] -= self.classes.chunks_per_page[slab_class - 1]
        self.pages[slab_class] -= 1
        self.page_owner[page] = 0

    def _finish_carving(self, slab_class: int) -> None:
        """Put what is left of the page being carved on the free list."""
        handle = self._carve[slab_class]
        if handle:
            for chunk in range(handle, self._carve_end[slab_class], self._units[slab_class]):
                self.release(chunk, slab_class)
                self.free[slab_class] -= 1

    def pages_of(self, slab_class: int) -> list[int]:
        """Numbers of the pages a class owns."""
        return [page for page in range(self.pages_made) if self.page_owner[page] == slab_class]

    def free_chunks(self, slab_class: int) -> int:
        """Free chunks counted one by one, for checks."""
        count, handle = 0, self._free_head[slab_class]
        while handle:
            count += 1
            handle = self._arena.words[handle << 1]
        if self._carve[slab_class]:
            count += (self._carve_end[slab_class] - self._carve[slab_class]) // self._units[slab_class]
        return count
