"""Chunks of pages, free lists, the pool, and pages that leave their class."""

from __future__ import annotations

import itertools
import random

import pytest

from memcache_server.store.arena import LIMIT_MAX, Arena
from memcache_server.store.chunk import META
from memcache_server.store.slab_allocator import OVERDRAFT, POOL, SlabAllocator
from memcache_server.store.slab_classes import SlabClasses, chunk_sizes

LARGEST, HALF = 39, 35  # classes of 2 and of 5 chunks a page


def allocator(pages: int = 4, limit: int = 0) -> SlabAllocator:
    slabs = SlabAllocator(Arena(pages), SlabClasses(chunk_sizes()))
    if limit:
        slabs.set_page_limit(limit)
    return slabs


def leave(slabs: SlabAllocator, page: int, target: int) -> None:
    """Take a page whose chunks are all free, whole."""
    for handle in slabs.begin_leaving(page):
        slabs.park_free(handle)
    assert slabs.parked == slabs.classes.chunks_per_page[slabs.page_owner[page] - 1]
    slabs.finish_leaving(target)


def test_chunks_do_not_overlap_and_end_at_the_limit() -> None:
    slabs, taken = allocator(3), {}
    for number in range(10):
        slab_class = (30, LARGEST, HALF)[number % 3]
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
    handles = [slabs.allocate(LARGEST), slabs.allocate(LARGEST)]
    assert slabs.allocate(LARGEST) == 0
    slabs.release(handles[0], LARGEST)
    assert slabs.free[LARGEST] == slabs.free_chunks(LARGEST) == 1
    assert slabs.allocate(LARGEST) == handles[0]


@pytest.mark.parametrize("seed", range(3))
def test_a_page_changes_its_class(seed: int) -> None:
    slabs, rng = allocator(3), random.Random(seed)
    handles = [slabs.allocate(HALF) for _ in range(slabs.classes.chunks_per_page[HALF - 1] * 2 + 1)]
    assert slabs.pages_made == 3
    rng.shuffle(handles)
    page = rng.randrange(3)
    for handle in handles:
        if slabs._arena.page_of(handle) == page:
            slabs.release(handle, HALF)
    leave(slabs, page, 20)
    assert (slabs.pages[HALF], slabs.pages[20]) == (2, 1)
    assert slabs.free[HALF] == slabs.free_chunks(HALF)
    assert slabs.free[20] == slabs.free_chunks(20) == slabs.classes.chunks_per_page[19]
    assert slabs._arena.page_of(slabs.allocate(20)) == page
    assert slabs.pages_of(HALF) == [number for number in range(3) if number != page]


def test_a_second_fresh_page_waits_until_the_first_is_cut() -> None:
    slabs = allocator(2)
    first = slabs.allocate(1)
    assert slabs.borrow_page(1)
    assert slabs.free[1] == slabs.free_chunks(1) == 2 * slabs.classes.chunks_per_page[0] - 1
    assert list(slabs.chunks(1)) == []
    rest = [slabs.allocate(1) for _ in range(slabs.free[1])]
    assert len({first, *rest}) == 2 * slabs.classes.chunks_per_page[0]
    assert {slabs._arena.page_of(handle) for handle in rest[: slabs.classes.chunks_per_page[0] - 1]} == {0}
    assert slabs.allocate(1) == 0


def test_the_pool_serves_any_class_before_a_new_page_is_made() -> None:
    slabs = allocator(4)
    handle = slabs.allocate(LARGEST)
    slabs._arena.bytes[(handle << 3) + 100] = 7
    slabs.release(handle, LARGEST)
    leave(slabs, 0, POOL)
    assert (slabs.pool, slabs.pages_made, slabs.pages[LARGEST], slabs.free[LARGEST]) == ([0], 1, 0, 0)
    assert list(slabs.chunks(0)) == []
    assert slabs._arena.bytes[(handle << 3) + 100] == 0, "a free page holds nothing"
    slabs.allocate(1)
    assert (slabs.pool, slabs.pages_made, slabs.page_owner[0]) == ([], 1, 1)


def test_a_fresh_page_leaves_before_any_other() -> None:
    slabs = allocator(4)
    slabs.allocate(LARGEST)
    slabs.borrow_page(LARGEST)
    page = slabs.page_to_leave(LARGEST, -1)
    assert page == 1
    assert list(slabs.begin_leaving(page)) == []
    slabs.finish_leaving(POOL)
    assert slabs.page_to_leave(LARGEST, -1) == slabs.page_to_leave(LARGEST, 0) == 0


def test_a_parked_chunk_is_not_handed_out() -> None:
    slabs = allocator(4)
    handles = [slabs.allocate(LARGEST) for _ in range(4)]
    for handle in handles[:3]:
        slabs.release(handle, LARGEST)
    slabs.begin_leaving(0)
    slabs.park_free(handles[0])
    assert slabs.is_parked(handles[0])
    assert not slabs.is_parked(handles[1])
    assert slabs.free[LARGEST] == slabs.free_chunks(LARGEST) == 2
    assert {slabs.allocate(LARGEST), slabs.allocate(LARGEST)} == {handles[1], handles[2]}


@pytest.mark.parametrize("handed_out", [0, 1, 5, 19])
def test_a_page_that_stays_has_all_its_chunks_again(handed_out: int) -> None:
    slabs, slab_class = allocator(4), 30
    slabs.borrow_page(slab_class)
    handles = [slabs.allocate(slab_class) for _ in range(handed_out)]
    for place, handle in enumerate(handles):
        slabs._arena.words[(handle << 1) + META] = 1  # what is in use is never all zeros
        if place % 2:
            slabs.release(handle, slab_class)
    before = slabs.free[slab_class]
    slabs.begin_leaving(0)
    for handle in handles[1:2]:
        slabs.park_free(handle)
    slabs.stay()
    assert slabs.leaving == -1
    assert slabs.free[slab_class] == slabs.free_chunks(slab_class) == before
    assert len({slabs.allocate(slab_class) for _ in range(before)}) == before


class TestTheLimit:
    def test_a_lower_one_gives_free_pages_back_and_makes_a_debt_of_the_others(self) -> None:
        slabs = allocator(8)
        told: list[int] = []
        slabs.on_debt = lambda: told.append(slabs.debt)
        handles = [slabs.allocate(LARGEST) for _ in range(8)]
        for handle in handles[:2]:
            slabs.release(handle, LARGEST)
        leave(slabs, 0, POOL)
        slabs.set_page_limit(3)
        assert (slabs.pool, slabs.pages_made, slabs.debt, told) == ([], 3, 0, [])
        slabs.set_page_limit(2)
        assert (slabs.pages_made, slabs.debt, told) == (3, 1, [1])
        assert slabs.allocate(1) == 0

    def test_pages_given_back_are_made_again(self) -> None:
        slabs = allocator(8)
        slabs.release(slabs.allocate(LARGEST), LARGEST)
        leave(slabs, 0, POOL)
        slabs.set_page_limit(0)
        assert slabs.pages_made == 0
        slabs.set_page_limit(1)
        slabs.allocate(LARGEST)
        assert (slabs.pages_made, slabs.pages_end) == (1, 1)

    def test_a_few_pages_can_be_borrowed_beyond_it(self) -> None:
        slabs = allocator(16, limit=1)
        told: list[int] = []
        slabs.on_debt = lambda: told.append(slabs.debt)
        assert slabs.allocate(1)
        assert [slabs.borrow_page(number) for number in range(2, 4 + OVERDRAFT)] == [True] * OVERDRAFT + [False] * 2
        assert slabs.debt == OVERDRAFT
        assert told == [1, 2, 3, 4, 4, 4]

    def test_none_is_borrowed_beyond_the_address_space(self) -> None:
        slabs = allocator(1)
        assert slabs.allocate(1)
        assert not slabs.borrow_page(2)


def test_an_arena_beyond_the_reach_of_handles() -> None:
    with pytest.raises(ValueError, match="at most 32768 MB"):
        Arena(LIMIT_MAX >> 20)
    Arena(1).close()
