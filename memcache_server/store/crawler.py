"""Walks the items of some classes, chunk by chunk, a bounded number at a time: dumps, and freeing the dead.

Pages are walked instead of LRU lists, so that the place holds whatever happens to the items between two steps.
An item that moves meanwhile may be met twice or not at all, as in the original.
"""

from collections.abc import Iterable

from memcache_server.store.chunk import LINKED, META
from memcache_server.store.item_view import view
from memcache_server.store.linked_items import LinkedItems


class ItemWalk:
    """Handles of linked items, the dead included. `each_class`: items of a class to look at, 0 for all."""

    __slots__ = ("_chunk", "_each_class", "_met", "_page", "_store", "_wanted")

    def __init__(self, store: LinkedItems, classes: Iterable[int], each_class: int = 0) -> None:
        self._store = store
        self._wanted = frozenset(classes)
        self._each_class = each_class
        self._met: dict[int, int] = {}
        self._page = 0
        self._chunk = 0

    @property
    def done(self) -> bool:
        """Whether every page has been walked."""
        return self._page >= self._store.allocator.pages_end

    def step(self, budget: int) -> list[int]:
        """Look at up to `budget` chunks further on; the items among them."""
        allocator, words, found = self._store.allocator, self._store.arena.words, []
        while budget > 0 and not self.done:
            slab_class = allocator.page_owner[self._page]
            chunks = allocator.chunks(self._page) if slab_class in self._wanted else range(0)
            for handle in chunks[self._chunk : self._chunk + budget]:
                if words[(handle << 1) + META] & LINKED and self._may_meet(slab_class):
                    found.append(handle)
            self._chunk += budget
            budget -= 1 + min(budget, len(chunks))
            if self._chunk >= len(chunks):
                self._page, self._chunk = self._page + 1, 0
        return found

    def _may_meet(self, slab_class: int) -> bool:
        met = self._met.get(slab_class, 0)
        self._met[slab_class] = met + 1
        return not self._each_class or met < self._each_class


class Crawler:
    """One crawl at a time that frees the expired and flushed items of some classes."""

    __slots__ = ("_store", "_walk")

    def __init__(self, store: LinkedItems) -> None:
        self._store = store
        self._walk: ItemWalk | None = None

    @property
    def running(self) -> bool:
        """Whether a crawl has begun and not ended."""
        return self._walk is not None

    def start(self, classes: Iterable[int], each_class: int) -> None:
        """Begin a crawl; none may be running."""
        self._walk = ItemWalk(self._store, classes, each_class)

    def stop(self) -> None:
        """Give the crawl up."""
        self._walk = None

    def step(self, budget: int) -> bool:
        """Look at up to `budget` chunks; whether there is more to do."""
        store, walk = self._store, self._walk
        if walk is None:
            return False
        for handle in walk.step(budget):
            item = view(store, handle)
            store.stats.crawler_items_checked[item.slab_class] += 1
            if item.expired or item.flushed:
                store.stats.crawler_reclaimed[item.slab_class] += 1
                store.stats.expired_unfetched[item.slab_class] += not item.fetched
                store.unlink(handle)
        if walk.done:
            self._walk = None
        return self._walk is not None
