"""WeightedCh3 against the vectors of mcrouter's own tests."""

import pytest

from mcproxy.hashing import Node
from tests.mcproxy.hashing.choosing import checksum, counts, numbered, select_by

TEN_WEIGHTS = (0.429, 0.541, 0.117, 0.998, 0.283, 0.065, 0.109, 0.042, 0.676, 0.943)


@pytest.mark.parametrize(
    ("weight", "n", "expected"),
    [
        (0.5, 2, 2395690262),
        (0.5, 10, 547444706),
        (0.5, 100, 2951198297),
        (0.0, 2, 3431444300),
        pytest.param(0.0, 10, 1290067504, marks=pytest.mark.soak),  # 330,000 hashes, by the same way as for two
    ],
)
def test_checksum_over_many_keys(weight: float, n: int, expected: int) -> None:
    assert checksum(select_by("WeightedCh3", n, weights=[weight] * n), 10_000) == expected


@pytest.mark.parametrize(("key", "slot"), [(b"sample", 59), (b"", 45)])
def test_no_slot_accepts(key: bytes, slot: int) -> None:
    assert select_by("WeightedCh3", 100, weights=[0.0] * 100)(key) == slot


@pytest.mark.parametrize(
    ("weights", "keys", "expected"),
    [
        ((1, 1, 0.7), 1000, [341, 371, 288]),
        (TEN_WEIGHTS, 10000, [1016, 1252, 288, 2354, 661, 195, 247, 122, 1668, 2197]),
    ],
)
def test_counts(weights: tuple[float, ...], keys: int, expected: list[int]) -> None:
    n = len(weights)
    assert counts(select_by("WeightedCh3", n, weights=weights), n, numbered(b"%d", keys)) == expected


def test_missing_weights_are_a_half_and_surplus_ones_ignored() -> None:
    keys = numbered(b"k%d", 500)
    short = list(map(select_by("WeightedCh3", 3, weights=[1.0]), keys))
    full = list(map(select_by("WeightedCh3", 3, weights=[1.0, 0.5, 0.5]), keys))
    surplus = list(map(select_by("WeightedCh3", 3, weights=[1.0, 0.5, 0.5, 0.1]), keys))
    assert short == full == surplus


def test_weights_of_the_nodes_count_when_the_options_give_none() -> None:
    nodes = [Node("a", weight=1.0), Node("b", weight=1.0), Node("c", weight=0.7)]
    assert counts(select_by("WeightedCh3", nodes), 3, numbered(b"%d", 1000)) == [341, 371, 288]


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_weight_out_of_range(weight: float) -> None:
    with pytest.raises(ValueError, match="weights from 0 to 1"):
        select_by("WeightedCh3", 2, weights=[1.0, weight])
