"""Values that come in pieces: whole, refused, cut off, or without memory for their rest."""

from __future__ import annotations

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.linked_items import STORED
from tests.memcache_server.store.reading import get, whole

SIZES = [1, 1000, 70_000, 300_000, 524_000, 600_000, 1_048_000]


@pytest.fixture
def store() -> Store:
    return Store(StoreOptions(memory_limit=8 << 20))


def value_of(size: int) -> bytes:
    return bytes(n * 7 & 255 for n in range(size)) + b"\r\n"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [33_333, 1 << 18])
def test_a_value_in_pieces(store: Store, size: int, piece: int) -> None:
    value = value_of(size)
    filling = store.begin(b"k", b"5", len(value))
    assert filling is not None
    for start in range(0, len(value), piece):
        filling[start : start + piece] = value[start : start + piece]
        check(store)
    assert get(store, b"k") is None
    assert filling.tail == b"\r\n"
    assert store.set(b"k", b"5", 0, filling) == STORED
    check(store)
    assert not store.busy
    assert get(store, b"k") == b"VALUE k 5 %d\r\n" % size + value


@pytest.mark.parametrize("size", SIZES)
def test_an_abandoned_value_leaves_nothing(store: Store, size: int) -> None:
    filling = store.begin(b"k", b"0", size + 2)
    assert filling is not None
    filling[0:] = value_of(size)[: size // 2]
    check(store)
    store.abandon(filling)
    store.abandon(filling)
    check(store)
    assert not store.busy


@pytest.mark.parametrize("size", [1000, 70_000, 400_000])
def test_values_put_together_in_memory(store: Store, size: int) -> None:
    store.set(b"k", b"0", 0, b"x" * size + b"\r\n")
    filling = store.begin(b"k", b"0", size + 2)
    assert filling is not None
    filling[0:] = value_of(size)
    assert store.append(b"k", filling) == STORED
    store.abandon(filling)
    assert store.prepend(b"k", b"abc\r\n") == STORED
    check(store)
    assert not store.busy
    assert get(store, b"k") == b"VALUE k 0 %d\r\n" % (2 * size + 3) + b"abc" + b"x" * size + value_of(size)


def test_no_memory_for_the_rest() -> None:
    store = Store(StoreOptions(memory_limit=2 << 20))
    fillings = [store.begin(b"k%d" % n, b"0", 1_000_002) for n in range(5)]
    begun = [filling for filling in fillings if filling is not None]
    for filling in begun:
        filling[0:] = b"v" * 1_000_002
        check(store)
    assert any(filling.handle for filling in begun)
    assert not all(filling.handle for filling in begun)
    for filling in begun:
        store.abandon(filling)
    check(store)


@pytest.mark.parametrize("size", [70_000, 600_000])
@pytest.mark.parametrize("change", ["set", "same size", "delete", "flush", "evict"])
def test_a_text_being_sent_stays_as_it_is(store: Store, size: int, change: str) -> None:
    value = value_of(size)
    store.set(b"k", b"0", 0, value)
    text = store.get(b"k")
    match change:
        case "set":
            store.set(b"k", b"0", 0, b"other\r\n")
        case "same size":
            store.set(b"k", b"0", 0, b"o" * size + b"\r\n")
        case "delete":
            store.delete(b"k")
        case "flush":
            store.flush()
            store.reap(100)
        case "evict":
            for number in range(100):
                store.set(b"%d" % number, b"0", 0, b"o" * size + b"\r\n")
    check(store)
    assert whole(text) == b"VALUE k 0 %d\r\n" % size + value
    assert not store.busy
    check(store)
