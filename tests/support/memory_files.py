"""Stores in a memory file, filled with items of all kinds, and what a client could see of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.chunk import STALE, WON
from memcache_server.store.memory_file import MemoryFile, NotKeptError

MB = 1 << 20
OPTIONS = StoreOptions(memory_limit=6 * MB, item_size_max=2 * MB, hash_power=6)
CLOCK = {"shown": 5.5, "steady": 1.0, "wall": 2.0, "boot": "run"}


class Seen(NamedTuple):
    """All that a client can see of an item."""

    text: bytes
    exptime: int
    cas: int
    is_stale: bool
    is_won: bool
    is_fetched: bool
    is_binary: bool
    slab_class: int


Items = dict[bytes, Seen]


@contextmanager
def opened(path: Path, options: StoreOptions = OPTIONS, *, begin: bool = True) -> Iterator[tuple[MemoryFile, Store]]:
    """A store in the file, with what it has kept."""
    file = MemoryFile(str(path))
    try:
        store = Store(replace(options, file=file.descriptor))
        if begin:
            file.begin(store, file.look(store))
        yield file, store
    finally:
        file.close()


def items(store: Store) -> Items:
    """Each item by its key."""
    found: Items = {}
    for handle in store.index.handles():
        key = store.key_of(handle)
        assert store.index.find(key) == handle
        found[key] = Seen(
            store._text(handle), store.exptime_of(handle), store.cas_of(handle), store.is_stale(handle),
            store.is_won(handle), store.is_fetched(handle), store.is_binary(handle), store.slab_class_of(handle),
        )
    return found


def fill(store: Store, count: int = 2000, seed: int = 1) -> None:
    """Items of all kinds, chains among them; some deleted, some used."""
    rng = random.Random(seed)
    store.tick(100)
    for number in range(count):
        key, flags = b"key-%d" % number, b"%d" % (rng.randrange(3) * 77)
        size = int(2 ** rng.uniform(0, 9 if number % 50 else 14))
        store.set(key, flags, rng.choice((0, 0, 150, 5000)), rng.randbytes(size) + b"\r\n")
    for number in range(0, count, 7):
        store.delete(b"key-%d" % number)
        store.get(b"key-%d" % (number + 1))
        store.get(b"key-%d" % (number + 1))
    store.mark(store.find(b"key-1"), STALE)
    store.mark(store.find(b"key-2"), STALE | WON)
    store.set(b"chain", b"9", 0, rng.randbytes(MB + MB // 2) + b"\r\n")


def kept(path: Path, options: StoreOptions = OPTIONS, count: int = 2000) -> Items:
    """A file that was closed cleanly, and its items."""
    with opened(path, options) as (file, store):
        fill(store, count)
        check(store)
        there = items(store)
        file.save(store, CLOCK)
    return there


def why_not_kept(path: Path, options: StoreOptions = OPTIONS) -> str:
    with pytest.raises(NotKeptError) as caught, opened(path, options):
        pass
    return str(caught.value)
