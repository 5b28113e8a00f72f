"""Jump consistent hashing: the values of its definition, and what it promises."""

import pytest
from mmh3 import hash64

from mcproxy.hashing.jump import jump_hash
from tests.mcproxy.hashing.choosing import counts, numbered, pods, select_by


@pytest.mark.parametrize(
    ("key_hash", "n", "slot"),
    # Values that other implementations of the paper test themselves with.
    [(1, 1, 0), (42, 57, 43), (0xDEAD10CC, 1, 0), (0xDEAD10CC, 666, 361), (256, 1024, 520)],
)
def test_vector(key_hash: int, n: int, slot: int) -> None:
    assert jump_hash(key_hash, n) == slot


def test_key_hash_is_the_first_word_of_mmh3() -> None:
    select = select_by("jump", 100)
    for key in numbered(b"k%d", 200):
        assert select(key) == jump_hash(hash64(key, signed=False)[0], 100)


@pytest.mark.parametrize("n", [3, 10])
def test_even(n: int) -> None:
    even = 30_000 / n
    assert all(abs(count / even - 1) < 0.06 for count in counts(select_by("jump", n), n, numbered(b"k%d", 30_000)))


@pytest.mark.parametrize("n", [2, 9, 100])
def test_one_more_slot_takes_only_keys_for_itself(n: int) -> None:
    keys = numbered(b"k%d", 5000)
    before, after = map(select_by("jump", n), keys), map(select_by("jump", n + 1), keys)
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {n}
    assert len(moved) < 1.5 * 5000 / (n + 1)


def test_missing_slot_keeps_its_keys() -> None:
    keys = numbered(b"k%d", 1000)
    assert list(map(select_by("jump", [*pods(2), None, *pods(4)[3:]]), keys)) == list(map(select_by("jump", 4), keys))
