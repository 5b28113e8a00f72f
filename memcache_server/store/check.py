"""The invariants of `store`, asserted one by one. For tests and debugging: walks everything."""

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import (
    CAS,
    CHUNKED,
    EXPTIME,
    HAS_TTL,
    KEY,
    KEY_LENGTH_MASK,
    LINKED,
    LIST_MASK,
    LIST_SHIFT,
    META,
    OWN_CAS,
    PIECE,
    TEXT,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.linked_items import LinkedItems
from memcache_server.store.segmented_lru import CLASS_MASK
from memcache_server.store.slab_allocator import SlabAllocator


def check(store: LinkedItems) -> None:
    """Raises AssertionError naming the invariant that does not hold."""
    arena = store.arena
    linked = _check_lists(store, arena)
    entries = store.index.handles()
    assert len(entries) == len(set(entries)) == store.index.count, "I1: an entry twice, or a wrong count"
    assert set(entries) == set(linked), "I1: index and LRU hold different items"
    for handle in linked:
        assert store.index.find(_key(arena, handle)) == handle, "I1: a linked item is not found"
    _check_chunks(store, arena, linked)
    for handle in linked:
        own = arena.words[(handle << 1) + META] & OWN_CAS
        assert own or arena.longs[handle + CAS] <= store.cas_counter, "I4: a CAS from the future"


def _key(arena: Arena, handle: int) -> bytes:
    at = (handle << 3) + TEXT + KEY
    return arena.bytes[at : at + (arena.words[(handle << 1) + META] & KEY_LENGTH_MASK)]


def _check_lists(store: LinkedItems, arena: Arena) -> list[int]:
    linked: list[int] = []
    for number in range(256):
        handles = store.lru.handles(number)
        assert len(handles) == store.lru.count[number], f"I6: count of list {number}"
        assert (handles[-1] if handles else 0) == store.lru.tail[number], f"I1: tail of list {number}"
        size = 0
        for handle in handles:
            word = handle << 1
            meta = arena.words[word + META]
            assert meta & LINKED, "I1: in a list but not linked"
            assert meta >> LIST_SHIFT & LIST_MASK == number, "I1: in another list than its header says"
            assert bool(arena.words[word + EXPTIME]) == bool(meta & HAS_TTL), "an exptime and no mark, or a mark alone"
            size += item_size(arena.words[word + TEXT_LENGTH], meta)
        assert size == store.lru.sizes[number], f"I6: bytes of list {number}"
        linked += handles
    return linked


def _check_chunks(store: LinkedItems, arena: Arena, linked: list[int]) -> None:
    used = [0] * 64
    busy = [handle for handle in store.busy if not arena.words[(handle << 1) + META] & LINKED]
    for handle in linked + busy:
        meta = arena.words[(handle << 1) + META]
        assert meta, "I2: a busy item with a free chunk"
        is_chain = meta & (CHUNKED | PIECE)
        used[store.chains.class_of(handle) if is_chain else meta >> LIST_SHIFT & CLASS_MASK] += 1
        if is_chain:
            for piece in store.pieces(handle):
                piece_meta = arena.words[(piece << 1) + META]
                assert piece_meta & PIECE, "a chain with a chunk that is no piece"
                assert arena.words[(piece << 1) + EXPTIME] == handle, "a chain with a foreign piece"
                used[piece_meta >> LIST_SHIFT & CLASS_MASK] += 1
    allocator, pages = store.allocator, 0
    for slab_class in range(1, store.classes.count + 1):
        free = allocator.free_chunks(slab_class)
        assert free == allocator.free[slab_class], f"I2: free chunks of class {slab_class}"
        total = allocator.pages[slab_class] * store.classes.chunks_per_page[slab_class - 1]
        parked = allocator.parked if allocator.leaving in allocator.pages_of(slab_class) else 0
        all_found = used[slab_class] + free + parked
        assert all_found == total, f"I2: {used[slab_class]} used, {free} free, {parked} parked, {total} in all"
        assert len(allocator.pages_of(slab_class)) == allocator.pages[slab_class], "I3: pages owned"
        pages += allocator.pages[slab_class]
    _check_pool(allocator, pages)


def _check_pool(allocator: SlabAllocator, owned: int) -> None:
    assert owned + len(allocator.pool) == allocator.pages_made <= allocator.pages_end, "I3: pages"
    assert len(set(allocator.pool)) == len(allocator.pool), "I3: a page twice in the pool"
    assert not any(allocator.page_owner[page] for page in allocator.pool), "I3: a free page with an owner"
    assert not (allocator.debt and allocator.pool), "I3: a free page beyond the limit"
