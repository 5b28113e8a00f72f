"""What the meta commands see and change of an item, by handle."""

from __future__ import annotations

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.chunk import BINARY, STALE, WON
from tests.memcache_server.store.reading import get

KEY = b"key"


@pytest.fixture
def store() -> Store:
    store = Store(StoreOptions(memory_limit=4 << 20))
    store.set(KEY, b"7", 100, b"value\r\n")
    return store


def marks(store: Store) -> tuple[bool, bool, bool]:
    handle = store.find(KEY)
    return store.is_stale(handle), store.is_won(handle), store.is_binary(handle)


def counted_sets(store: Store) -> int:
    return sum(store.stats.stores) - sum(store.stats.rewrites)


def test_fields(store: Store) -> None:
    handle = store.find(KEY)
    assert (store.key_of(handle), store.client_flags(handle), store.exptime_of(handle)) == (KEY, b"7", 100)
    assert (store.value_length(handle), store.value(handle)) == (5, b"value\r\n")
    assert (store.size_of(handle), store.slab_class_of(handle)) == (48 + 8 + 4 + 4 + 7, 1)
    store.tick(store.now + 9)
    assert store.idle_seconds(handle) == 9


def test_marks_are_set_one_by_one_and_gone_with_a_store(store: Store) -> None:
    for mark in (STALE, WON, BINARY):
        store.mark(store.find(KEY), mark)
    assert marks(store) == (True, True, True)
    store.set(KEY, b"7", 100, b"other\r\n")
    assert marks(store) == (False, False, False)
    check(store)


@pytest.mark.parametrize("value", [b"value\r\n", b"v" * 3000 + b"\r\n"])
@pytest.mark.parametrize("flags", [b"0", b"7"])
def test_a_store_over_it_clears_marks_however_it_is_done(store: Store, flags: bytes, value: bytes) -> None:
    store.set(KEY, flags, 0, b"value\r\n")
    store.mark(store.find(KEY), STALE | WON)
    store.set(KEY, flags, 0, value)
    assert marks(store) == (False, False, False)


def test_append_and_a_number_that_grows_forget_all_but_the_binary_key(store: Store) -> None:
    store.mark(store.find(KEY), STALE | WON | BINARY)
    store.append(KEY, b"s\r\n")
    assert marks(store) == (False, False, True)
    store.set(KEY, b"0", 0, b"9\r\n")
    store.mark(store.find(KEY), STALE | WON | BINARY)
    store.add_delta(KEY, 1, True)
    assert marks(store) == (False, False, True)


def test_a_number_counted_in_place_keeps_its_marks(store: Store) -> None:
    store.set(KEY, b"0", 0, b"10\r\n")
    store.mark(store.find(KEY), STALE | WON)
    store.add_delta(KEY, 1, True)
    assert marks(store) == (True, True, False)


def test_invalidate_takes_a_new_unique_or_the_one_given(store: Store) -> None:
    handle = store.find(KEY)
    before = store.cas_of(handle)
    store.mark(handle, WON)
    store.invalidate(handle, None)
    assert marks(store) == (True, False, False)
    assert store.cas_of(handle) > before
    store.invalidate(handle, 5)
    assert store.cas_of(handle) == 5
    check(store)


def test_a_chosen_unique_does_not_move_the_counter(store: Store) -> None:
    handle = store.find(KEY)
    before = store.cas_of(handle)
    store.set_cas(handle, (1 << 64) - 1)
    assert store.cas_of(handle) == (1 << 64) - 1
    store.set(KEY, b"0", 0, b"x\r\n")
    assert before < store.cas_of(store.find(KEY)) < before + 10
    check(store)


def test_without_cas_ids_there_are_none_to_choose() -> None:
    store = Store(StoreOptions(memory_limit=4 << 20, cas=False))
    store.set(KEY, b"0", 0, b"x\r\n")
    store.set_cas(store.find(KEY), 5)
    assert store.cas_of(store.find(KEY)) == 0


def test_vivify_and_empty_are_no_sets(store: Store) -> None:
    sets = counted_sets(store)
    handle = store.vivify(b"new", b"\r\n")
    assert get(store, b"new") == b"VALUE new 0 0\r\n\r\n"
    assert store.exptime_of(handle) == 0
    unique = store.cas_of(store.find(KEY))
    store.mark(store.find(KEY), STALE | WON)
    handle = store.empty(store.find(KEY), KEY, b"3", 50)
    assert get(store, KEY) == b"VALUE key 3 0\r\n\r\n"
    assert (store.cas_of(handle), store.exptime_of(handle)) == (unique, 50)
    assert marks(store) == (False, False, False)
    assert counted_sets(store) == sets
    check(store)


@pytest.mark.parametrize(("used", "fetched"), [(True, True), (False, False)])
def test_a_fetch_marks_unless_it_is_no_use(store: Store, used: bool, fetched: bool) -> None:
    handle = store.find(KEY)
    store.count_fetch(handle, touched=False, used=used)
    store.count_fetch(handle, touched=True, used=False)
    assert store.is_fetched(handle) is fetched
    assert (sum(store.stats.hits), sum(store.stats.touch_hits)) == (1, 1)


def test_a_new_exptime_ends_it(store: Store) -> None:
    store.set_exptime(store.find(KEY), store.now + 2)
    store.tick(store.now + 1)
    assert store.find(KEY)
    store.tick(store.now + 1)
    assert store.find(KEY) == 0
    check(store)
