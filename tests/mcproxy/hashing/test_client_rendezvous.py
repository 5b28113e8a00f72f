"""`rendezvous` against pymemcache, the library whose placement it repeats."""

import random

import pytest
from pymemcache.client.rendezvous import RendezvousHash

from mcproxy.hashing import Node
from mcproxy.hashing.client_rendezvous import characters
from tests.mcproxy.hashing.choosing import select_by

NAMES = ["10.1.0.7:11211", "10.1.0.5:11211", "cache-a.example:11211", "10.1.0.5:11212", "/run/memcached.sock"]


@pytest.mark.parametrize(
    ("names", "key", "slot"),
    [("012", b"ok", 0), ("012", b"mykey", 1), ("012", b"wat", 2), ("012", b"lol", 2), ("0123", b"lol", 3)],
)
def test_vector(names: str, key: bytes, slot: int) -> None:
    assert select_by("rendezvous", [Node(name) for name in names])(key) == slot


def random_key(rng: random.Random) -> str:
    alphabet = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789:_-/.|#\xe9\xfc\u0436\u4e2d\U0001f600"
    letters = alphabet if rng.random() < 0.3 else alphabet[:-5]
    return "".join(rng.choices(letters, k=rng.randrange(1, 40)))


def test_equals_pymemcache_for_random_keys() -> None:
    rng = random.Random(20240611)
    library = RendezvousHash(nodes=list(NAMES))
    select = select_by("rendezvous", [Node(name) for name in NAMES])
    for _ in range(10_000):
        key = random_key(rng)
        assert NAMES[select(key.encode())] == library.get_node(key), key


def test_missing_nodes_are_skipped() -> None:
    rng = random.Random(7)
    select = select_by("rendezvous", [None, Node("a"), None, Node("b"), Node("c")])
    library = RendezvousHash(nodes=["a", "b", "c"])
    for _ in range(500):
        key = random_key(rng)
        assert [None, "a", None, "b", "c"][select(key.encode())] == library.get_node(key)


def test_bytes_that_are_no_text_still_have_a_place() -> None:
    assert characters(b"\xff\xfe") == b"\xff\xfe"
    assert select_by("rendezvous", 3)(b"\xff\xfekey") in range(3)
