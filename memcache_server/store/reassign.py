"""`slabs reassign`: a page of one class for another, at once."""

from enum import IntEnum

from memcache_server.store.linked_items import LinkedItems

_ANY = -1
_PAGES_LEFT = 1  # a class keeps its last page


class Reassigned(IntEnum):
    """How it ended."""

    OK = 0
    BUSY = 1
    BAD_CLASS = 2
    NO_SPARE = 3
    SAME = 4


def reassign(store: LinkedItems, source: int, target: int) -> Reassigned:
    """Move a page from class `source` (-1: the one with the most pages) to `target`; its items are evicted.

    The judgements come in the original's order (slabs_mover.c do_slabs_reassign). Its class 0, the pool of free
    pages, does not exist here.
    """
    allocator, classes = store.allocator, range(1, store.classes.count + 1)
    if source == target:
        return Reassigned.SAME
    if source == _ANY:
        others = [number for number in classes if number != target]
        source = max(others, key=lambda number: allocator.pages[number])
        if allocator.pages[source] <= _PAGES_LEFT:
            return Reassigned.BAD_CLASS
    if source not in classes or target not in classes:
        return Reassigned.BAD_CLASS
    if allocator.pages[source] <= _PAGES_LEFT:
        return Reassigned.NO_SPARE
    moved = any(store.move_page(page, target) for page in allocator.pages_of(source))
    return Reassigned.OK if moved else Reassigned.BUSY
