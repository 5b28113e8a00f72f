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


def entries(index: Index) -> tuple[int, int]:
    """Entries in the table that is being left, and in the other."""
    left = [] if index.old is None else index.old.tolist()
    return len(left) - left.count(0), (index.mask + 1) - index.table.tolist().count(0)


def longest_run(table: memoryview) -> int:
    """Full slots in a row, at most."""
    run = longest = 0
    for entry in table.tolist() * 2:  # twice: a run may go round the end
        run = run + 1 if entry else 0
        longest = max(longest, run)
    return longest


def test_one_insertion_moves_a_bounded_number_of_slots() -> None:
    keys = Keys(6000)
    index = Index(keys.arena, power=12)
    names = iter(keys.handles)
    while not index.growing:
        name = next(names)
        index.insert(name, keys.handles[name])
    assert index.old is not None
    bound, moves = 0, 0
    while index.growing:
        bound = max(bound, 16 + longest_run(index.old) + 1)  # a run grows by what is entered meanwhile
        before, name = entries(index)[0], next(names)
        index.insert(name, keys.handles[name])
        moved = before - entries(index)[0]  # one less when the insertion itself went to the old table
        assert -1 <= moved <= bound
        moves += 1
    assert moves > 4096 // bound, "the growth was spread"


def test_while_growing_each_table_is_whole_by_itself_and_the_old_one_empties_from_its_front() -> None:
    keys = Keys(6000)
    index = Index(keys.arena, power=12)
    front = 0
    for number, (name, handle) in enumerate(keys.handles.items()):
        index.insert(name, handle)
        if index.old is not None and number % 7 == 0:
            assert index.find(b"no such key %d" % number) == 0
            old = index.old.tolist()
            full = [slot for slot, entry in enumerate(old) if entry]
            moved = index.growth[1]
            assert not any(moved > slot > 64 for slot in full), "behind the front only a chain that goes round the end"
            front = max(front, moved)
    assert front > 3000
    for name, handle in keys.handles.items():
        assert index.find(name) == handle


def test_growth_goes_on_by_itself_when_asked() -> None:
    keys = Keys(4000)
    index = Index(keys.arena, power=12)
    names = iter(keys.handles)
    while not index.growing:
        name = next(names)
        index.insert(name, keys.handles[name])
    steps = 0
    while index.growing:
        index.move(100)
        steps += 1
    assert 4096 // 200 < steps <= 41
    index.move(100)
    assert entries(index) == (0, index.count)


@pytest.mark.parametrize("seed", range(10))
def test_small_tables_through_growth_with_chains_round_the_end(seed: int) -> None:
    keys = Keys(120)
    index, rng, there = Index(keys.arena, power=3), random.Random(seed), set()
    names = list(keys.handles)
    for _ in range(600):
        key = rng.choice(names)
        if key in there:
            index.remove(key, keys.handles[key])
            there.remove(key)
        elif len(there) < rng.choice((20, 60, 110)):
            index.insert(key, keys.handles[key])
            there.add(key)
        if rng.random() < 0.2:
            index.move(rng.choice((1, 3)))
        assert {name for name in names if index.find(name)} == there


def test_removing_what_is_not_there_is_a_bug_found() -> None:
    keys = Keys(2)
    with pytest.raises(AssertionError):
        Index(keys.arena, 4).remove(b"key-0", keys.handles[b"key-0"])


def test_entries_of_the_end_survive_the_front_being_given_back() -> None:
    """Insertions during growth whose chains reach the end of the old table, when its first megabyte goes back."""
    power = 18
    keys = Keys(1 << power)
    index, names = Index(keys.arena, power), list(keys.handles)
    last = (1 << power) - 1
    at_the_end = [key for key in names if hash(key) & last >= last - 3]
    others = iter([key for key in names if hash(key) & last < last - 3])
    while not index.growing:
        key = next(others)
        index.insert(key, keys.handles[key])
    index.move(100)
    for key in at_the_end:
        index.insert(key, keys.handles[key])
    while index.growing:
        index.move(1000)
    assert all(index.find(key) == keys.handles[key] for key in at_the_end)
    assert len(index.handles()) == index.count
