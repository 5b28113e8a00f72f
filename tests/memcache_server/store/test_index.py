"""The index against a dict, through growth and removal."""

import random

import pytest

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import KEY, META, TEXT
from memcache_server.store.index import Index


class Keys:
    """Keys laid out in an arena as chunks of 64 bytes."""

    def __init__(self, count: int) -> None:
        self.arena = Arena(1 + count * 64 // (1 << 20))
        self.handles: dict[bytes, int] = {}
        for number in range(count):
            key, handle = b"key-%d" % number, self.arena.page_handle(0) + number * 8
            at = (handle << 3) + TEXT + KEY
            self.arena.bytes[at : at + len(key)] = key
            self.arena.words[(handle << 1) + META] = len(key)
            self.handles[key] = handle


@pytest.mark.parametrize("count", [10, 2000, 40_000])
def test_against_a_dict_through_growth(count: int) -> None:
    keys = Keys(count)
    index, rng, there = Index(keys.arena, power=4), random.Random(count), {}
    names = list(keys.handles)
    for step in range(count * 3):
        key = rng.choice(names)
        if key in there and rng.random() < 0.4:
            index.remove(key, there.pop(key))
        elif key not in there:
            index.insert(key, keys.handles[key])
            there[key] = keys.handles[key]
        if step % 997 == 0:
            assert sorted(index.handles()) == sorted(there.values())
    assert index.count == len(there)
    for key in names:
        assert index.find(key) == there.get(key, 0)


def test_replace_names_another_chunk_before_and_during_growth() -> None:
    keys = Keys(4000)
    index = Index(keys.arena, power=4)
    names = list(keys.handles)
    copies = Keys(4000)
    assert copies.handles == keys.handles
    growing_seen = False
    for name in names[:-1]:
        index.insert(name, keys.handles[name])
        growing_seen |= index.growing
    assert growing_seen
    for name in names[:-1]:
        index.remove(name, keys.handles[name])
    assert index.handles() == []
    index.insert(names[0], keys.handles[names[0]])
    index.replace(names[0], keys.handles[names[0]], keys.handles[names[1]])
    assert index.handles() == [keys.handles[names[1]]]


def test_a_key_is_not_the_beginning_of_another() -> None:
    keys = Keys(1)
    index, handle = Index(keys.arena, 4), keys.handles[b"key-0"]
    at = (handle << 3) + TEXT + KEY
    keys.arena.bytes[at : at + 12] = b"key-0 binary"
    keys.arena.words[(handle << 1) + META] = 12
    index.insert(b"key-0", handle)  # as if both had one hash
    assert index.find(b"key-0") == 0


def test_growth_is_spread_over_insertions() -> None:
    keys = Keys(3000)
    index = Index(keys.arena, power=10)
    grown = 0
    for name, handle in keys.handles.items():
        before = index.power
        index.insert(name, handle)
        if index.power > before:
            grown += 1
            assert index.growing, "all entries moved at once"
    assert grown == 3


def test_growth_does_not_lengthen_the_chains_of_the_table_it_leaves() -> None:
    keys = Keys(3000)
    index = Index(keys.arena, 10)
    empty = 0
    for number, (name, handle) in enumerate(keys.handles.items()):
        was_growing = index.growing
        index.insert(name, handle)
        if index.growing:
            assert index.find(b"no such key %d" % number) == 0
            assert index.old is not None
            now_empty = index.old.tolist().count(0)
            assert now_empty == empty or not was_growing, "empty slots end chains and must stay"
            empty = now_empty
    assert empty


def test_removing_what_is_not_there_is_a_bug_found() -> None:
    keys = Keys(2)
    with pytest.raises(AssertionError):
        Index(keys.arena, 4).remove(b"key-0", keys.handles[b"key-0"])
