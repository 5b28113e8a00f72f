"""The memory that holds the items: one anonymous mapping, seen as bytes, as 32-bit and as 64-bit words.

Address space for the whole limit is taken at the start; a page of it costs memory only once it is written.
The first 4 KiB stay empty so that no chunk has handle 0.
"""

import mmap

from memcache_server.store.slab_classes import PAGE_SIZE

_FIRST_PAGE = 4096
LIMIT_MAX = 32 << 30
"""Bytes that 32-bit handles of 8-byte units reach."""


class Arena:
    """`pages` pages of 1 MiB. Raises ValueError beyond what handles reach, OSError when there is no room."""

    __slots__ = ("bytes", "longs", "pages", "words")

    def __init__(self, pages: int) -> None:
        size = _FIRST_PAGE + pages * PAGE_SIZE
        if size > LIMIT_MAX:
            raise ValueError(f"a store holds at most {LIMIT_MAX >> 20} MB")
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        self.bytes = mmap.mmap(-1, size, flags=flags)
        view = memoryview(self.bytes)
        self.words = view.cast("I")
        self.longs = view.cast("Q")
        self.pages = pages

    @classmethod
    def with_room(cls, pages: int, wanted: int) -> "Arena":
        """An arena of `wanted` pages, or of the `pages` that are needed when there is no address space for more."""
        try:
            return cls(max(pages, min(wanted, (LIMIT_MAX - _FIRST_PAGE) // PAGE_SIZE)))
        except OSError:
            return cls(pages)

    def page_handle(self, page: int) -> int:
        """Handle of the first byte of page number `page`."""
        return (_FIRST_PAGE + page * PAGE_SIZE) >> 3

    def page_of(self, handle: int) -> int:
        """Number of the page that holds `handle`."""
        return ((handle << 3) - _FIRST_PAGE) // PAGE_SIZE

    def close(self) -> None:
        """Give the memory back; nothing may hold a view any more."""
        self.words.release()
        self.longs.release()
        self.bytes.close()
