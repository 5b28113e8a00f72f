"""The maintainer: what goes where, by share and by age, and what a hit does."""

from __future__ import annotations

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.lru_maintainer import LruMaintainer
from memcache_server.store.segmented_lru import COLD, HOT, TEMP, WARM

VALUE = b"v" * 100 + b"\r\n"
ALL = 10_000


def store_of(count: int, exptime: int = 0, **options: object) -> Store:
    store = Store(StoreOptions(memory_limit=8 << 20, **options))  # type: ignore[arg-type]
    for number in range(count):
        store.set(b"key-%03d" % number, b"0", exptime, VALUE)
    return store


def segments(store: Store) -> tuple[int, int, int, int]:
    """Items in HOT, WARM, COLD and TEMP."""
    slab_class = store.class_of(b"key-999") or next(c for c in range(1, 40) if store.allocator.pages[c])
    hot, warm, cold, temp = (store.lru.count[slab_class | segment] for segment in (HOT, WARM, COLD, TEMP))
    return hot, warm, cold, temp


def hit(store: Store, *numbers: int) -> None:
    """Twice: fetched, then active."""
    for number in numbers:
        assert store.get(b"key-%03d" % number)
        assert store.get(b"key-%03d" % number)


def keys(store: Store, segment: int) -> list[int]:
    """Numbers of the items of a segment, the most recent first."""
    number = next(c for c in range(1, 40) if store.allocator.pages[c]) | segment
    return [int(store.key_of(handle)[4:]) for handle in store.lru.handles(number)]


def test_new_items_stay_hot_up_to_a_fifth_of_the_bytes() -> None:
    store = store_of(100)
    assert segments(store) == (100, 0, 0, 0)
    assert LruMaintainer(store).step(ALL) == 80
    assert segments(store) == (20, 0, 80, 0)
    assert keys(store, HOT) == list(range(99, 79, -1))
    assert keys(store, COLD) == list(range(79, -1, -1))  # in the order in which they came
    assert store.stats.total("moves_to_cold") == 80
    check(store)


def test_a_budget_is_kept() -> None:
    store = store_of(100)
    maintainer = LruMaintainer(store)
    assert [maintainer.step(30) for _ in range(4)] == [30, 30, 20, 0]
    assert keys(store, COLD) == list(range(79, -1, -1))
    assert maintainer.juggles == 4


def test_active_items_of_hot_go_to_warm() -> None:
    store = store_of(100)
    hit(store, 0, 1, 50)
    LruMaintainer(store).step(ALL)
    assert keys(store, WARM) == [50, 1, 0]
    assert segments(store) == (20, 3, 77, 0)
    assert store.stats.total("moves_to_warm") == 3
    check(store)


def test_one_hit_is_not_enough() -> None:
    store = store_of(100)
    store.get(b"key-000")
    LruMaintainer(store).step(ALL)
    assert keys(store, WARM) == []


def test_the_second_hit_of_a_cold_item_moves_it_to_warm_at_once() -> None:
    store = store_of(100)
    LruMaintainer(store).step(ALL)
    hit(store, 5)
    assert keys(store, WARM) == [5]
    hits = store.stats.hits
    slab_class = store.class_of(b"key-005")
    assert (hits[slab_class | COLD], hits[slab_class | WARM]) == (2, 0)  # counted where they were met
    check(store)


def test_warm_keeps_two_fifths_and_spares_the_active() -> None:
    store = store_of(100)
    hit(store, *range(100))  # all active
    maintainer = LruMaintainer(store)
    maintainer.step(ALL)
    assert segments(store) == (0, 40, 60, 0)
    hit(store, keys(store, WARM)[-1])  # the next to go is used again
    tail = keys(store, WARM)[-1]
    store.tuning.warm_lru_pct = 39
    maintainer.step(ALL)
    assert keys(store, WARM)[0] == tail
    assert store.stats.total("moves_within_lru") == 1
    check(store)


def test_age_moves_what_share_would_leave() -> None:
    store = store_of(100)
    maintainer = LruMaintainer(store)
    maintainer.step(ALL)  # 20 hot, 80 cold
    store.tick(store.now + 100)
    for number in range(100, 102):
        store.set(b"key-%03d" % number, b"0", 0, VALUE)
    maintainer.step(ALL)  # the tail of HOT is 100 s old, more than a fifth of COLD's 100 s
    assert keys(store, HOT) == [101, 100]


def test_dead_items_are_freed_where_they_are_met() -> None:
    store = store_of(100, exptime=5)
    LruMaintainer(store).step(ALL)
    store.tick(6)
    assert LruMaintainer(store).step(ALL) == 100
    assert store.curr_items == 0
    assert store.stats.total("reclaimed") == store.stats.total("expired_unfetched") == 100
    check(store)


def test_flushed_items_never_get_ahead_of_living_ones() -> None:
    store = store_of(100)
    store.flush()
    for number in range(100, 130):
        store.set(b"key-%03d" % number, b"0", 0, VALUE)
    LruMaintainer(store).step(50)
    while store.reap(10):
        check(store)
    assert store.curr_items == 30
    assert all(store.get(b"key-%03d" % number) for number in range(100, 130))
    check(store)


class TestTemporary:
    def test_short_lived_items_stay_out_of_the_segments(self) -> None:
        store = store_of(0)
        store.tuning.temp_lru = True
        for number in range(100):
            store.set(b"key-%03d" % number, b"0", 10 if number % 2 else 100, VALUE)
        assert segments(store) == (50, 0, 0, 50)
        hit(store, 1, 3)
        LruMaintainer(store).step(ALL)
        assert segments(store) == (10, 0, 40, 50)
        check(store)
        store.tick(11)
        LruMaintainer(store).step(ALL)
        assert segments(store)[3] == 0
        check(store)

    def test_they_are_not_evicted(self) -> None:
        store = Store(StoreOptions(memory_limit=1 << 20))
        store.tuning.temp_lru = True
        number = 0
        while not store.stats.total("outofmemory"):
            store.set(b"key-%03d" % number, b"0", 30, b"v" * 10_000 + b"\r\n")
            number += 1
        assert store.stats.total("evicted") == 0
        check(store)


class TestFlat:
    def test_one_list_that_a_hit_moves_up_once_a_minute(self) -> None:
        store = store_of(10, segmented=False)
        assert segments(store) == (0, 0, 10, 0)
        hit(store, 0)
        assert keys(store, COLD)[0] == 9  # it has been there lately
        store.tick(store.now + 61)
        hit(store, 0)
        assert keys(store, COLD)[0] == 0
        check(store)

    def test_segments_drain_into_it(self) -> None:
        store = store_of(100)
        hit(store, 1, 2, 3)
        maintainer = LruMaintainer(store)
        maintainer.step(ALL)
        store.segmented = False
        maintainer.step(ALL)
        assert segments(store) == (0, 0, 100, 0)
        check(store)
        store.segmented = True
        store.set(b"key-new", b"0", 0, VALUE)
        assert segments(store) == (1, 0, 100, 0)


@pytest.mark.parametrize("segmented", [True, False])
def test_evictions_come_from_the_oldest(segmented: bool) -> None:
    store = Store(StoreOptions(memory_limit=1 << 20, segmented=segmented))
    for number in range(200):
        store.set(b"key-%03d" % number, b"0", 0, b"v" * 10_000 + b"\r\n")
    kept = [number for number in range(200) if store.index.find(b"key-%03d" % number)]
    assert kept == list(range(200 - len(kept), 200))
    assert store.stats.total("evicted") == 200 - len(kept)
    assert sum(store.stats.direct_reclaims) > 0
    check(store)


def test_what_is_in_use_survives_a_scan() -> None:
    store = Store(StoreOptions(memory_limit=1 << 20))
    maintainer = LruMaintainer(store)
    for number in range(60):
        store.set(b"key-%03d" % number, b"0", 0, b"v" * 10_000 + b"\r\n")
    hit(store, *range(20))
    for number in range(100, 500):
        store.set(b"key-%03d" % number, b"0", 0, b"v" * 10_000 + b"\r\n")
        maintainer.step(ALL)
    assert all(store.get(b"key-%03d" % number) for number in range(20))
    check(store)
