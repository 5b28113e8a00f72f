"""`modula` by its definition; test_ketama.py compares it with twemproxy and libmemcached."""

import pytest

from mcproxy.hashing import Node
from mcproxy.hashing.key_hashes import KEY_HASHES
from tests.mcproxy.hashing.choosing import numbered, select_by

KEYS = numbered(b"user:%d", 200)


@pytest.mark.parametrize("key_hash", ["", "md5", "crc32a"])
def test_remainder_of_the_key_hash(key_hash: str) -> None:
    expected = [KEY_HASHES[key_hash or "fnv1a_64"](key) % 5 for key in KEYS]
    assert [select_by("modula", 5, key_hash=key_hash)(key) for key in KEYS] == expected


def test_weight_repeats_a_slot() -> None:
    nodes = [Node("a", weight=1), Node("b", weight=3)]
    expected = [(0, 1, 1, 1)[KEY_HASHES["md5"](key) % 4] for key in KEYS]
    assert [select_by("modula", nodes, key_hash="md5")(key) for key in KEYS] == expected


@pytest.mark.parametrize("weight", [0.0, -1.0, 0.5, 1.5])
def test_only_whole_weights(weight: float) -> None:
    with pytest.raises(ValueError, match="whole weights"):
        select_by("modula", [Node("a"), Node("b", weight=weight)])


@pytest.mark.parametrize("weight", [1e6, 1e9, 1e300])
def test_weights_are_bounded(weight: float) -> None:
    with pytest.raises(ValueError, match="in all"):
        select_by("modula", [Node("a", weight=weight), Node("b", weight=weight)])
