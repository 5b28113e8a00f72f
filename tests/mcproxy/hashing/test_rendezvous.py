"""mcrouter's Rendezvous functions against the vectors of its own tests."""

import pytest

from mcproxy.hashing import Node
from tests.mcproxy.hashing.choosing import counts, numbered, pods, select_by

KEYS = (b"sample", b"", b"mykey")


@pytest.mark.parametrize(
    ("name", "n", "slots"),
    [
        ("Rendezvous", 3, [1, 1, 1]),
        ("Rendezvous", 343, [45, 291, 132]),
        ("WeightedRendezvous", 3, [0, 2, 1]),
        ("WeightedRendezvous", 343, [115, 279, 302]),
    ],
)
def test_vector(name: str, n: int, slots: list[int]) -> None:
    assert list(map(select_by(name, n), KEYS)) == slots


def test_counts() -> None:
    keys = numbered(b"mykey:%d", 10000)
    assert counts(select_by("Rendezvous", 3), 3, keys[:1000]) == [337, 353, 310]
    assert counts(select_by("Rendezvous", 10), 10, keys) == [
        947, 1026, 1028, 981, 1016, 970, 1013, 939, 1023, 1057,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((1, 1, 1), [3409, 3360, 3231]),
        ((1, 0.5, 0.1), [6292, 3118, 590]),
        ((1, 0, 0.5), [6737, 0, 3263]),
    ],
)
def test_weighted_counts(weights: tuple[float, ...], expected: list[int]) -> None:
    select = select_by("WeightedRendezvous", 3, weights=weights)
    assert counts(select, 3, numbered(b"mykey:%d", 10000)) == expected


def test_missing_node_is_never_chosen_and_keys_of_others_stay() -> None:
    nodes = pods(5)
    keys = numbered(b"mykey:%d", 1000)
    before = list(map(select_by("Rendezvous", nodes), keys))
    after = list(map(select_by("Rendezvous", [*nodes[:2], None, *nodes[3:]]), keys))
    assert 2 not in after
    assert all(new == old for old, new in zip(before, after, strict=True) if old != 2)


def test_tag_is_required() -> None:
    with pytest.raises(ValueError, match="'b' has none"):
        select_by("Rendezvous", [Node("a", tag="t"), Node("b")])
