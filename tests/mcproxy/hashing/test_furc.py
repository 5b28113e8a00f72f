"""Ch3 against the vectors of mcrouter's own tests."""

import pytest

from mcproxy.hashing.furc import MAX_NODES, furc_hash
from tests.mcproxy.hashing.choosing import (
    ALL_BYTES,
    ALL_BYTES_REVERSED,
    checksum,
    counts,
    numbered,
    pods,
    select_by,
)

LONG_KEY = b"someKey_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

VECTORS: dict[bytes, dict[int, int]] = {
    b"sample": {100: 97, MAX_NODES: 5167780},
    b"": {100: 72, MAX_NODES: 6173600},
    ALL_BYTES: {99999: 31015},
    ALL_BYTES_REVERSED: {99999: 67101},
    b"key0": {
        2: 0, 3: 0, 5: 4, 7: 5, 10: 7, 16: 14, 50: 22, 100: 22, 500: 413, 1000: 950, 10000: 3375,
        1000000: 500854, MAX_NODES: 4701525,
    },
    b"key1": {3: 2, 5: 2, 10: 2, 1000: 808, 100000: 24368},
    b"key2": {5: 4, 16: 14, 50: 40, 500: 279, 1000: 794},
    b"key3": {2: 1, 7: 5, 100: 73, 500: 214},
    b"key4": {3: 2, 10: 8, 16: 10, 50: 47, 1000: 878},
    b"a": {2: 1, 5: 4, 16: 13, 50: 34, 1000: 900},
    b"short": {3: 2, 5: 4, 7: 6, 16: 12, 500: 172, 1000: 569},
    LONG_KEY: {5: 4, 10: 8, 50: 18, 1000: 964, 10000: 5716},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "n", "slot"), [(key, n, slot) for key, slots in VECTORS.items() for n, slot in slots.items()]
)
def test_vector(key: bytes, n: int, slot: int) -> None:
    assert furc_hash(key, n) == slot


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (2, 1346413954),
        (3, 914505363),
        (7, 4252552508),
        (10, 2894016351),
        (16, 2995729350),
        (100, 2289223413),
        (1000, 2251851331),
    ],
)
def test_checksum_over_many_keys(n: int, expected: int) -> None:
    assert checksum(lambda key: furc_hash(key, n), 100_000) == expected


def test_counts() -> None:
    assert counts(select_by("Ch3", 3), 3, numbered(b"%d", 1000)) == [307, 342, 351]
    assert counts(select_by("Ch3", 10), 10, numbered(b"%d", 10000)) == [
        995, 955, 1046, 968, 1032, 972, 1016, 1038, 1010, 968,
    ]  # fmt: skip


@pytest.mark.parametrize("n", [0, 1])
def test_no_choice_is_slot_0(n: int) -> None:
    assert furc_hash(b"key0", n) == 0


@pytest.mark.parametrize("n", [2, 3, 7, 8, 9, 100])
def test_one_more_slot_takes_only_keys_for_itself(n: int) -> None:
    moved = [furc_hash(key, n + 1) for key in numbered(b"k%d", 3000) if furc_hash(key, n) != furc_hash(key, n + 1)]
    assert set(moved) == {n}


def test_too_many_nodes() -> None:
    assert select_by("Ch3", [None] * MAX_NODES)(b"sample") == 5167780
    with pytest.raises(ValueError, match="at most 8388608"):
        select_by("Ch3", [None] * (MAX_NODES + 1))


def test_both_spellings_are_the_same_function() -> None:
    keys = numbered(b"k%d", 100)
    assert list(map(select_by("ch3", pods(7)), keys)) == list(map(select_by("Ch3", pods(7)), keys))
