"""Stores at their limit: eviction, pages that move between classes, chains, and every invariant all along."""

from __future__ import annotations

import gc
import random

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.linked_items import NO_MEMORY, NOT_STORED, STORED
from tests.memcache_server.store.reading import get

MB = 1 << 20


def filled(size: int, memory_mb: int = 4, **options: object) -> Store:
    """A store full of values of `size` bytes: key-0, key-1, ... were stored, the first ones are evicted."""
    store = Store(StoreOptions(memory_limit=memory_mb * MB, **options))  # type: ignore[arg-type]
    number = 0
    while not store.stats.total("evicted") + store.stats.total("outofmemory"):
        put(store, b"key-%d" % number, size)
        number += 1
    return store


def put(store: Store, key: bytes, size: int, fill: bytes = b"v") -> int:
    return store.set(key, b"0", 0, fill * size + b"\r\n")


def value_of(store: Store, key: bytes) -> bytes | None:
    text = get(store, key)
    return None if text is None else text.split(b"\r\n", 1)[1][:-2]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("evictions", [True, False])
def test_a_full_store_of_many_sizes(seed: int, evictions: bool) -> None:
    rng = random.Random(seed)
    store = Store(StoreOptions(memory_limit=6 * MB, item_size_max=2 * MB, evictions=evictions, hash_power=4))
    model: dict[bytes, bytes] = {}
    for step in range(1500):
        key = b"key-%d" % rng.randrange(200)
        size = int(2 ** rng.uniform(0, 20.9 if step % 10 == 0 else 15))
        value = rng.randbytes(8) * (size // 8 + 1)
        verb = rng.choice(("set", "set", "set", "add", "append", "prepend", "delete", "get"))
        old = value_of(store, key)
        assert old in (None, model.get(key))
        assert evictions or old == model.get(key), "lost without an eviction"
        match verb:
            case "set":
                model[key] = value
                if store.set(key, b"0", 0, value + b"\r\n") != STORED:
                    del model[key]
            case "add":
                result = store.add(key, b"0", 0, value + b"\r\n")
                # room is made before the old one is looked for, and may have cost it
                assert result in ((NOT_STORED, STORED, NO_MEMORY) if old is not None else (STORED, NO_MEMORY))
                assert evictions or old is None or result != STORED
                if result == STORED:
                    model[key] = value
            case "append" | "prepend":
                result = getattr(store, verb)(key, value + b"\r\n")
                if result == STORED:
                    model[key] = model[key] + value if verb == "append" else value + model[key]
            case "delete":
                assert store.delete(key) == (old is not None)
                model.pop(key, None)
        if step % 25 == 0:
            check(store)
    check(store)
    assert store.stats.total("evicted") > 0 if evictions else store.stats.total("outofmemory") > 0
    for key, value in model.items():
        assert value_of(store, key) in ((None, value) if evictions else (value,))


class TestEviction:
    def test_the_least_recently_stored_goes(self) -> None:
        store = filled(100_000)
        assert value_of(store, b"key-0") is None
        assert value_of(store, b"key-1") == b"v" * 100_000
        check(store)

    def test_what_is_read_twice_gets_a_second_chance(self) -> None:
        store = filled(100_000)
        get(store, b"key-1")
        get(store, b"key-1")
        for number in range(100, 110):
            put(store, b"key-%d" % number, 100_000)
        assert value_of(store, b"key-1") is not None
        assert value_of(store, b"key-2") is None
        check(store)

    def test_dead_items_are_reclaimed_and_not_counted_as_evicted(self) -> None:
        store = Store(StoreOptions(memory_limit=2 * MB))
        for number in range(18):
            assert store.set(b"key-%d" % number, b"0", 5, b"v" * 100_000 + b"\r\n") == STORED
        store.tick(6)
        for number in range(18):
            put(store, b"new-%d" % number, 100_000)
        assert store.stats.total("evicted") == 0
        assert store.stats.total("reclaimed") == store.stats.total("expired_unfetched") > 0
        check(store)

    def test_none_under_minus_capital_m(self) -> None:
        store = filled(100_000, evictions=False)
        assert put(store, b"new", 100_000) == NO_MEMORY
        assert put(store, b"key-0", 100_000, b"w") == NO_MEMORY  # as the original: room comes first, then the old goes
        assert value_of(store, b"key-0") is None
        assert put(store, b"key-1", 100_000, b"w") == STORED  # in the room of the former
        assert value_of(store, b"key-1") == b"w" * 100_000
        check(store)

    @pytest.mark.parametrize("verb", ["append", "replace"])
    @pytest.mark.parametrize("size", [600_000, 400_000, 300_000])
    def test_a_failed_change_keeps_the_old_item(self, verb: str, size: int) -> None:
        store = filled(size, evictions=False)
        if verb == "append":
            result = store.append(b"key-1", b"x" * (900_000 - size) + b"\r\n")
        else:
            result = store.replace(b"key-1", b"0", 0, b"x" * 900_000 + b"\r\n")
        assert result == NO_MEMORY
        assert value_of(store, b"key-1") == b"v" * size
        check(store)


class TestPageMoves:
    @pytest.mark.parametrize("before", [50, 1000, 100_000, 300_000, 700_000])
    @pytest.mark.parametrize("after", [30, 2000, 90_000, 480_000, 900_000])
    def test_a_class_without_a_page_gets_one_at_the_limit(self, before: int, after: int) -> None:
        store = filled(before)
        assert put(store, b"new", after) == STORED
        assert value_of(store, b"new") == b"v" * after
        assert store.allocator.pages_made == 4
        check(store)

    def test_pages_of_the_class_that_has_most(self) -> None:
        store = Store(StoreOptions(memory_limit=6 * MB))
        for number in range(9):
            put(store, b"few-%d" % number, 100_000)
        for number in range(200):
            put(store, b"many-%d" % number, 60_000)
        put(store, b"new", 1000)
        assert store.stats.slabs_moved == 1
        assert all(value_of(store, b"few-%d" % number) for number in range(9))
        check(store)

    def test_what_is_in_the_page_goes_and_nothing_else(self) -> None:
        store = filled(20_000, memory_mb=3)
        there = [key for number in range(200) if get(store, (key := b"key-%d" % number))]
        put(store, b"new", 1000)
        gone = [key for key in there if not get(store, key)]
        assert 0 < len(gone) <= store.classes.chunks_per_page[store.classes.class_for(20_100) - 1]
        assert store.stats.total("evicted") == len(gone) + 1
        check(store)

    def test_the_item_being_replaced_is_not_taken(self) -> None:
        for number in range(1, 40):
            store = filled(20_000, memory_mb=2)
            if get(store, b"key-%d" % number):
                assert store.append(b"key-%d" % number, b"x" * 5000 + b"\r\n") == STORED
                assert value_of(store, b"key-%d" % number) == b"v" * 20_000 + b"x" * 5000
                check(store)

    def test_back_and_forth(self) -> None:
        store = filled(100)
        for turn in range(12):
            for number in range(60):
                assert put(store, b"turn-%d-%d" % (turn, number), (90, 3000, 70_000, 600_000)[turn % 4]) == STORED
            check(store)
        assert store.stats.slabs_moved >= 3


class TestChains:
    @pytest.mark.parametrize("size", [524_100, 524_200, 524_250, 524_288, 600_000, 1_000_000, 1_048_500])
    def test_values_from_half_a_page_to_a_page(self, size: int) -> None:
        store = Store(StoreOptions(memory_limit=8 * MB))
        value = random.Random(size).randbytes(size)
        assert store.set(b"chain", b"9", 0, value + b"\r\n") == STORED
        assert get(store, b"chain") == b"VALUE chain 9 %d\r\n%b\r\n" % (size, value)
        check(store)
        assert store.delete(b"chain")
        check(store)
        assert sum(store.allocator.free) == sum(
            pages * per_page
            for pages, per_page in zip(list(store.allocator.pages)[1:], store.classes.chunks_per_page, strict=False)
        )

    def test_between_chain_and_chunk_and_back(self) -> None:
        store = Store(StoreOptions(memory_limit=8 * MB))
        for size in (700_000, 10, 900_000, 520_000, 1_000_000, 1_000_000, 600_000, 100):
            assert put(store, b"key", size) == STORED
            assert value_of(store, b"key") == b"v" * size
            check(store)

    def test_the_oldest_chains_are_evicted_whole(self) -> None:
        store = filled(700_000, memory_mb=8)
        for number in range(100, 130):
            assert put(store, b"key-%d" % number, 500_000 + number * 4000) == STORED
            check(store)
        assert value_of(store, b"key-129") == b"v" * 1_016_000

    def test_a_page_with_a_piece_takes_the_whole_chain(self) -> None:
        store = filled(700_000, memory_mb=3)
        for number in range(3000):
            assert put(store, b"small-%d" % number, 1000) == STORED
        check(store)
        for number in range(10):
            assert value_of(store, b"key-%d" % number) in (None, b"v" * 700_000)

    def test_items_of_many_pages(self) -> None:
        store = Store(StoreOptions(memory_limit=20 * MB, item_size_max=8 * MB))
        for number in range(12):
            assert put(store, b"key-%d" % number, 5_000_000 + number * 100_000, bytes([65 + number])) == STORED
            assert value_of(store, b"key-%d" % number) == bytes([65 + number]) * (5_000_000 + number * 100_000)
            check(store)
        assert 1 <= store.curr_items <= 3

    def test_no_room_for_all_its_pieces(self) -> None:
        store = Store(StoreOptions(memory_limit=4 * MB, item_size_max=8 * MB))
        assert put(store, b"small", 100) == STORED
        assert put(store, b"huge", 7_000_000) == NO_MEMORY
        check(store)
        assert put(store, b"again", 100) == STORED


def test_items_are_not_objects() -> None:
    store = Store(StoreOptions(memory_limit=16 * MB))
    put(store, b"first", 100)
    gc.collect()
    before = len(gc.get_objects())
    for number in range(20_000):
        put(store, b"key-%d" % number, 100)
        get(store, b"key-%d" % number)
    gc.collect()
    assert len(gc.get_objects()) < before + 50


def test_a_chain_whose_pieces_cost_the_old_item_its_page() -> None:
    for number in (11_000, 15_000, 30_000):
        store = Store(StoreOptions(memory_limit=4 * MB, chunk_max=16_384))
        for other in range(4 * 10_922):
            put(store, b"k%06d" % other, 20)
        assert put(store, b"k%06d" % number, 900_000, b"\xff") == STORED
        assert value_of(store, b"k%06d" % number) == b"\xff" * 900_000
        check(store)


def test_a_flush_for_a_second_in_the_past() -> None:
    store = Store(StoreOptions(memory_limit=4 * MB))
    store.tick(10)
    put(store, b"old", 1)
    put(store, b"used", 1)
    for key in (b"used", b"used", b"old"):
        assert store.get(key)
    store.tick(3500)
    assert store.get(b"old")  # at the tail, and used after the second that is flushed
    store.flush_at(100)
    while store.reap(1000):
        pass
    assert store.get(b"used") is None
    assert store.get(b"old")
    check(store)
