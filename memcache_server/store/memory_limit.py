"""How many pages -m allows: it bounds the process, so what the index takes beyond a share of it counts too."""

from memcache_server.store.index import Index
from memcache_server.store.slab_allocator import SlabAllocator
from memcache_server.store.slab_classes import PAGE_SIZE

_SHARE = 10  # the index may have one part in so many of the limit for itself
_EXTRA = 8 << 20  # and so many bytes
_SLOT = 8  # bytes


class MemoryLimit:
    """`pages` is what -m or `cache_memlimit` said; the allocator's limit is what the index leaves of it.

    An index takes 8 bytes a slot, of which 0.35 to 0.7 are used: less than its share for items in chunks of 240
    bytes or more, up to a fifth more than it for those of 96.
    """

    __slots__ = ("_allocator", "_index", "pages", "pages_max")

    def __init__(self, allocator: SlabAllocator, index: Index, pages: int, pages_max: int) -> None:
        self._allocator = allocator
        self._index = index
        self.pages = pages
        self.pages_max = pages_max  # address space is there for so many
        self.settle()

    def change(self, pages: int) -> bool:
        """Allow so many pages from now on; False beyond `pages_max`."""
        if pages > self.pages_max:
            return False
        self.pages = pages
        self.settle()
        return True

    def settle(self) -> None:
        """Take account of the index's size: to be called now and then."""
        taken = _SLOT << self._index.power  # while it grows, both its tables together take no more
        beyond = taken - self.pages * PAGE_SIZE // _SHARE - _EXTRA
        limit = max(1, self.pages - max(0, -(-beyond // PAGE_SIZE)))
        if limit != self._allocator.page_limit:
            self._allocator.set_page_limit(limit)
