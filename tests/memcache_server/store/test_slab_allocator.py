"""Chunks of pages, free lists, and pages taken away."""

from __future__ import annotations

import itertools
import random

import pytest

from memcache_server.store.arena import LIMIT_MAX, Arena
from memcache_server.store.slab_allocator import SlabAllocator
from memcache_server.store.slab_classes import SlabClasses, chunk_sizes


def allocator(pages: int = 4) -> SlabAllocator:
    arena = Arena(pages)
    return SlabAllocator(arena, SlabClasses(chunk_sizes()))


def test_chunks_do_not_overlap_and_end_at_the_limit() -> None:
    slabs, taken = allocator(3), {}
    for number in range(10):
        slab_class = (30, 39, 35)[number % 3]
        while handle := slabs.allocate(slab_class):
            taken[handle << 3] = slabs.classes.sizes[slab_class - 1]
            if slabs.free[slab_class] == 0:
                break
    assert slabs.pages_made == 3
    ends = sorted(taken.items())
    assert all(at + size <= following for (at, size), (following, _) in itertools.pairwise(ends))
    assert slabs.allocate(1) == 0


def test_free_chunks_are_handed_out_again() -> None:
    slabs = allocator(1)
    handles = [slabs.allocate(39), slabs.allocate(39)]
    assert slabs.allocate(39) == 0
    slabs.release(handles[0], 39)
    assert slabs.free[39] == slabs.free_chunks(39) == 1
    assert slabs.allocate(39) == handles[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_page_changes_its_class(seed: int) -> None:
    slabs, rng = allocator(3), random.Random(seed)
    handles = [slabs.allocate(35) for _ in range(slabs.classes.chunks_per_page[34] * 2 + 1)]
    assert slabs.pages_made == 3
    rng.shuffle(handles)
    page = rng.randrange(3)
    for handle in handles:
        if slabs._arena.page_of(handle) == page:
            slabs.release(handle, 35)
    slabs.take_page(page)
    slabs.give_page(page, 20)
    assert (slabs.pages[35], slabs.pages[20]) == (2, 1)
    assert slabs.free[35] == slabs.free_chunks(35)
    assert slabs.free[20] == slabs.free_chunks(20) == slabs.classes.chunks_per_page[19]
    assert slabs._arena.page_of(slabs.allocate(20)) == page
    assert slabs.pages_of(35) == [number for number in range(3) if number != page]


def test_a_page_that_is_being_cut_gives_way_to_a_new_one() -> None:
    slabs = allocator(2)
    first = slabs.allocate(1)
    slabs.give_page(1, 1)
    slabs.pages_made = 2
    assert slabs.free[1] == slabs.free_chunks(1) == 2 * slabs.classes.chunks_per_page[0] - 1
    rest = {slabs.allocate(1) for _ in range(slabs.free[1])}
    assert len(rest | {first}) == 2 * slabs.classes.chunks_per_page[0]
    assert slabs.allocate(1) == 0


def test_an_arena_beyond_the_reach_of_handles() -> None:
    with pytest.raises(ValueError, match="at most 32768 MB"):
        Arena(LIMIT_MAX >> 20)
    Arena(1).close()
