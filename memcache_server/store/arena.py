"""The memory that holds the items: one mapping, seen as bytes, as 32-bit and as 64-bit words.

Address space for the whole limit is taken at the start; a page of it costs memory only once it is written. The
mapping is the process's own, or that of a file (-e), sparse as far as no page is held. There each page must be
held before it is written: the system kills a process that writes to a file's page for which there is no room.
The first 4 KiB stay empty so that no chunk has handle 0.
"""

import logging
import mmap
import os

from memcache_server.store.chunk import EXPTIME, LAST_ACCESS, META, NEXT, PREV, TEXT_LENGTH
from memcache_server.store.slab_classes import PAGE_SIZE

logger = logging.getLogger(__name__)

_FIRST_PAGE = 4096
LIMIT_MAX = 32 << 30
"""Bytes that 32-bit handles of 8-byte units reach."""

NO_FILE = -1


class Arena:
    """`pages` pages of 1 MiB. Raises ValueError beyond what handles reach, OSError when there is no room.

    `file` is a descriptor open for reading and writing; the file takes the arena's size, what it holds stays.

    `nexts`, `prevs`, `exptimes`, `accesses`, `lengths` and `metas` are the header's words of these names, each indexed
    by the handle itself: half the price of computing a word's place, or of cutting a 64-bit word in two.
    """

    __slots__ = (
        "_file", "_full", "accesses", "bytes", "exptimes", "lengths", "longs", "metas", "nexts", "pages", "prevs",
        "view", "words",
    )  # fmt: skip

    def __init__(self, pages: int, file: int = NO_FILE) -> None:
        size = _FIRST_PAGE + pages * PAGE_SIZE
        if size > LIMIT_MAX:
            raise ValueError(f"a store holds at most {LIMIT_MAX >> 20} MB")
        if file == NO_FILE:
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
        else:
            flags = mmap.MAP_SHARED
            os.ftruncate(file, size)
            os.posix_fallocate(file, 0, _FIRST_PAGE)
        self._file = file
        self._full = False  # there was no room in the file for the last page asked for
        self.bytes = mmap.mmap(file, size, flags=flags)
        self.view = memoryview(self.bytes)
        self.words = self.view.cast("I")
        self.longs = self.view.cast("Q")
        self.nexts = self.words[NEXT::2]
        self.prevs = self.words[PREV::2]
        self.exptimes = self.words[EXPTIME::2]
        self.accesses = self.words[LAST_ACCESS::2]
        self.lengths = self.words[TEXT_LENGTH::2]
        self.metas = self.words[META::2]
        self.pages = pages

    @classmethod
    def with_room(cls, pages: int, wanted: int, file: int = NO_FILE) -> "Arena":
        """An arena of `wanted` pages, or of the `pages` that are needed when there is no address space for more."""
        try:
            return cls(max(pages, min(wanted, (LIMIT_MAX - _FIRST_PAGE) // PAGE_SIZE)), file)
        except OSError:
            return cls(pages, file)

    def ask_for_large_pages(self) -> bool:
        """Let the system use large pages of its own for the items; False when it cannot (-L)."""
        try:
            self.bytes.madvise(mmap.MADV_HUGEPAGE)
        except (AttributeError, OSError):  # not Linux, or built without
            return False
        return True

    def page_handle(self, page: int) -> int:
        """Handle of the first byte of page number `page`."""
        return (_FIRST_PAGE + page * PAGE_SIZE) >> 3

    def page_of(self, handle: int) -> int:
        """Number of the page that holds `handle`."""
        return ((handle << 3) - _FIRST_PAGE) // PAGE_SIZE

    def page_bytes(self, page: int) -> memoryview:
        """The bytes of a page."""
        start = _FIRST_PAGE + page * PAGE_SIZE
        return self.view[start : start + PAGE_SIZE]

    def hold_page(self, page: int) -> bool:
        """Make sure that a page can be written; False when the file's system has no room."""
        if self._file != NO_FILE:
            try:
                os.posix_fallocate(self._file, _FIRST_PAGE + page * PAGE_SIZE, PAGE_SIZE)
            except OSError as error:
                if not self._full:
                    logger.warning("no room for more items in the memory file: %s", error.strerror)
                self._full = True
                return False
        self._full = False
        return True

    def forget_page(self, page: int) -> None:
        """Give the memory of a page back to the system: it reads as zeros, and must be held to be written again."""
        start = _FIRST_PAGE + page * PAGE_SIZE
        advice = mmap.MADV_DONTNEED if self._file == NO_FILE else mmap.MADV_REMOVE
        try:
            self.bytes.madvise(advice, start, PAGE_SIZE)
        except OSError:  # it is locked in memory (-k), or the file's system cannot
            if self.hold_page(page):
                self.bytes[start : start + PAGE_SIZE] = bytes(PAGE_SIZE)

    def forget_from(self, page: int) -> None:
        """Empty a file from this page on, and the bytes before the first page."""
        if self._file != NO_FILE:
            os.ftruncate(self._file, _FIRST_PAGE + page * PAGE_SIZE)
            os.ftruncate(self._file, len(self.bytes))
            self.bytes[:_FIRST_PAGE] = bytes(_FIRST_PAGE)

    def close(self) -> None:
        """Give the memory back; nothing may hold a view any more."""
        columns = self.nexts, self.prevs, self.exptimes, self.accesses, self.lengths, self.metas
        for view in (*columns, self.words, self.longs, self.view):
            view.release()
        self.bytes.close()
