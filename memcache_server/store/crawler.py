"""Walks the items of some classes, chunk by chunk, a bounded number at a time: dumps, and freeing the dead.

Pages are walked instead of LRU lists, so that the place holds whatever happens to the items between two steps, and
so that chunks which hold no item cost next to nothing. An item that moves meanwhile may be met twice or not at all,
as in the original. Only linked items are met: not a busy chunk, nor a parked one of a page under way.
"""

from collections.abc import Iterable

from memcache_server.store.chunk import CHUNKED, EXPTIME, FETCHED, LAST_ACCESS, LINKED, META
from memcache_server.store.crawl_plan import HOUR_S, MINUTE_S, Findings
from memcache_server.store.living_items import LivingItems

_RUN = 50  # chunks looked at before the budget is
_DEAD_COST = 16  # in chunks that hold a living item
_CHAIN_COST = 500


class ItemWalk:
    """Handles of linked items, the dead included. `each_class`: items of a class to look at, 0 for all."""

    __slots__ = ("_chunk", "_each_class", "_met", "_page", "_store", "_wanted")

    def __init__(self, store: LivingItems, classes: Iterable[int], each_class: int = 0) -> None:
        self._store = store
        self._wanted = set(classes)
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
        found: list[int] = []
        while budget > 0 and not self.done:
            _, looked, metas = self.run(budget)
            found += [handle for handle, meta in zip(looked, metas, strict=True) if meta & LINKED]
            budget -= 1 + len(looked)
        return found

    def run(self, budget: int) -> tuple[int, range, list[int]]:
        """A page's class, its next chunks, up to `budget`, and their meta words. Only while not done."""
        allocator = self._store.allocator
        slab_class = allocator.page_owner[self._page]
        chunks = allocator.chunks(self._page) if slab_class in self._wanted else range(0)
        looked = chunks[self._chunk : self._chunk + budget]
        self._chunk += budget
        if self._chunk >= len(chunks):
            self._page, self._chunk = self._page + 1, 0
        metas = column(self._store, looked, META)
        if self._each_class:
            looked = looked[: self._bound(metas, slab_class)]
        return slab_class, looked, metas[: len(looked)]

    def _bound(self, metas: list[int], slab_class: int) -> int:
        """How many chunks may be looked at, so that no more items are met than asked for."""
        met = self._met.get(slab_class, 0)
        for number, meta in enumerate(metas):
            if met >= self._each_class:
                self._wanted.discard(slab_class)
                return number
            met += bool(meta & LINKED)
        self._met[slab_class] = met
        return len(metas)


def column(store: LivingItems, chunks: range, field: int) -> list[int]:
    """One header field of several chunks, at a tenth of what reading them one by one costs."""
    return store.arena.words[(chunks.start << 1) + field : (chunks.stop << 1) + field : chunks.step << 1].tolist()


class Crawler:
    """One crawl at a time that frees the expired and flushed items of some classes.

    `found` is what the last one, or the one under way, has found in each of its classes.
    """

    __slots__ = ("_store", "_walk", "found")

    def __init__(self, store: LivingItems) -> None:
        self._store = store
        self._walk: ItemWalk | None = None
        self.found: dict[int, Findings] = {}

    @property
    def running(self) -> bool:
        """Whether a crawl has begun and not ended."""
        return self._walk is not None

    def start(self, classes: Iterable[int], each_class: int) -> None:
        """Begin a crawl; none may be running."""
        self.found = {slab_class: Findings() for slab_class in classes}
        self._walk = ItemWalk(self._store, self.found, each_class)

    def stop(self) -> None:
        """Give the crawl up."""
        self._walk = None

    def step(self, budget: int) -> bool:
        """Look at up to about `budget` chunks, fewer if they hold dead items; whether there is more to do."""
        walk = self._walk
        while walk is not None and budget > 0 and not walk.done:
            slab_class, chunks, metas = walk.run(_RUN)
            budget -= 1 + len(chunks)
            if any(metas):
                budget -= self._examine(slab_class, chunks, metas)
        if walk is None or walk.done:
            self._walk = None
        return self._walk is not None

    def _examine(self, slab_class: int, chunks: range, metas: list[int]) -> int:
        """Count the living and free the dead; what that cost beyond a look at each."""
        store, findings = self._store, self.found[slab_class]
        now, (flushed, _) = store.now, store.flush_marks
        minutes, dead, seen, lasting = findings.minutes, [], 0, 0
        fields = zip(chunks, metas, column(store, chunks, EXPTIME), column(store, chunks, LAST_ACCESS), strict=True)
        for handle, meta, exptime, last_access in fields:
            if not meta & LINKED:
                continue
            if last_access <= flushed or 0 < exptime <= now:
                dead.append((handle, meta, last_access <= flushed))
                continue
            seen += 1
            if not exptime:
                lasting += 1
            elif exptime - now < HOUR_S:
                minutes[(exptime - now) // MINUTE_S] += 1
        findings.seen += seen
        findings.lasting += lasting
        findings.reclaimed += len(dead)
        store.stats.crawler_items_checked[slab_class] += seen + len(dead)
        return self._free(slab_class, dead)

    def _free(self, slab_class: int, dead: list[tuple[int, int, bool]]) -> int:
        """Free items, given with their meta words and whether they were flushed; what that cost."""
        store, cost = self._store, 0
        for handle, meta, flushed in dead:
            store.stats.expired_unfetched[slab_class] += not (flushed or meta & FETCHED)
            store.unlink(handle)
            cost += _CHAIN_COST if meta & CHUNKED else _DEAD_COST
        store.stats.crawler_reclaimed[slab_class] += len(dead)
        return cost
