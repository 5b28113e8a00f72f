"""Literal samples, one a second, and the move they lead to."""

from __future__ import annotations

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.automove import Automover, ClassState, Move, class_states

WINDOW = 4


def decisions(seconds: list[dict[int, ClassState]], window: int = WINDOW) -> list[Move | None]:
    automover = Automover(window)
    return [automover.decide(now, classes) for now, classes in enumerate(seconds)]


def free(chunks: int, pages: int = 5, evicted: int = 0) -> ClassState:
    return ClassState(free_chunks=chunks, chunks_per_page=10, pages=pages, evicted=evicted)


class TestToThePool:
    def test_more_than_two_and_a_half_pages_free(self) -> None:
        assert decisions([{7: free(26)}] * 2) == [Move(7, 0)] * 2

    def test_two_and_a_half_are_kept(self) -> None:
        assert decisions([{7: free(25)}] * 8) == [None] * 8

    def test_a_class_that_evicted_within_the_window_keeps_its_pages(self) -> None:
        seconds = [{7: free(26, evicted=n)} for n in (0, 1, 1, 1, 1, 1)]
        assert decisions(seconds) == [Move(7, 0), None, None, None, None, Move(7, 0)]

    def test_so_does_one_that_was_given_a_page(self) -> None:
        seconds = [{7: free(26, pages=pages)} for pages in (5, 6, 6, 6, 6, 6)]
        assert decisions(seconds) == [Move(7, 0), None, None, None, None, Move(7, 0)]

    def test_and_one_that_ran_out_of_memory(self) -> None:
        seconds = [{7: free(26)._replace(outofmemory=n)} for n in (0, 3)]
        assert decisions(seconds) == [Move(7, 0), None]

    def test_the_first_class_that_can(self) -> None:
        assert decisions([{3: free(0), 5: free(99), 7: free(99)}]) == [Move(5, 0)]


def aged(age: int, evicted: int = 0, pages: int = 5) -> ClassState:
    return ClassState(age=age, evicted=evicted, pages=pages)


class TestToTheYoungest:
    def test_from_the_oldest_once_the_window_is_full(self) -> None:
        seconds = [{1: aged(100), 2: aged(10, evicted=n), 3: aged(50)} for n in range(6)]
        assert decisions(seconds) == [None] * WINDOW + [Move(1, 2)] * 2

    @pytest.mark.parametrize(("young", "moves"), [(79, True), (80, False), (120, False)])
    def test_only_below_the_ratio(self, young: int, moves: bool) -> None:
        seconds = [{1: aged(100), 2: aged(young, evicted=n)} for n in range(6)]
        assert decisions(seconds)[-1] == (Move(1, 2) if moves else None)

    def test_ages_are_those_of_the_whole_window(self) -> None:
        ages = (0, 0, 100, 100, 100, 100, 100)
        seconds = [{1: aged(age), 2: aged(50, evicted=n)} for n, age in enumerate(ages)]
        # means of four: 25 (not full yet), 50, 75 and from then on 100
        assert decisions(seconds) == [None, None, None, None, Move(1, 2), Move(1, 2), Move(1, 2)]

    @pytest.mark.parametrize(("pages", "moves"), [(3, True), (2, False)])
    def test_the_oldest_has_more_than_two_pages(self, pages: int, moves: bool) -> None:
        seconds = [{1: aged(100, pages=pages), 2: aged(10, evicted=n)} for n in range(6)]
        assert decisions(seconds)[-1] == (Move(1, 2) if moves else None)

    def test_the_youngest_evicts_most_of_the_time(self) -> None:
        evicted = (0, 1, 1, 2, 2, 3, 3, 4)
        seconds = [{1: aged(100), 2: aged(10, evicted=n)} for n in evicted]
        assert decisions(seconds) == [None] * 8

    def test_and_in_this_very_second(self) -> None:
        evicted = (0, 1, 2, 3, 4, 4)
        seconds = [{1: aged(100), 2: aged(10, evicted=n)} for n in evicted]
        assert decisions(seconds) == [None] * WINDOW + [Move(1, 2), None]

    def test_the_pool_comes_first(self) -> None:
        seconds = [{1: aged(100), 2: aged(10, evicted=n), 9: free(99)} for n in range(6)]
        assert decisions(seconds)[-1] == Move(9, 0)


def test_a_second_look_in_the_same_second_decides_nothing() -> None:
    automover = Automover(WINDOW)
    assert automover.decide(1, {7: free(26)}) == Move(7, 0)
    assert automover.decide(1, {7: free(26)}) is None
    assert automover.decide(2, {7: free(26)}) == Move(7, 0)


def test_counters_that_were_reset_are_no_evictions() -> None:
    seconds = [{1: aged(100), 2: aged(10, evicted=n)} for n in (90, 90, 90, 0, 0, 0)]
    assert decisions(seconds)[-1] is None


def test_what_a_store_shows() -> None:
    store = Store(StoreOptions(memory_limit=4 << 20))
    store.set(b"k", b"0", 0, b"v\r\n")
    store.tick(9)
    states = class_states(store)
    assert len(states) == 39
    assert states[1] == ClassState(0, 0, 0, 10921, 10922, 1)
    assert states[39] == ClassState(chunks_per_page=2)
