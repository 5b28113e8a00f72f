"""`consistent` against libmemcached itself."""

import pytest

from mcproxy.hashing import Node
from tests.mcproxy.hashing.choosing import numbered, select_by
from tests.support.libmemcached import HASHES, Behavior, Library, Servers, library_or_skip

KEYS = [*numbered(b"user:%d:name", 2000), *numbered(b"caf\xc3\xa9 %d".replace(b" ", b"_"), 500)]
PLAIN: Servers = [(f"10.0.0.{number}", 11211 + number % 2, 1) for number in range(7)]
WEIGHTED: Servers = [(f"10.0.0.{number}", 11211, weight) for number, weight in enumerate((1, 2, 5, 3))]


@pytest.fixture(scope="module")
def libmemcached() -> Library:
    return library_or_skip()


@pytest.mark.memcached
@pytest.mark.parametrize("servers", [PLAIN, WEIGHTED], ids=["plain", "weighted"])
@pytest.mark.parametrize("key_hash", ["", *sorted(HASHES)])
def test_equals_libmemcached(libmemcached: Library, servers: Servers, key_hash: str) -> None:
    nodes = [Node(f"{host}:{port}", weight=weight) for host, port, weight in servers]
    select = select_by("consistent", nodes, key_hash=key_hash)
    behaviors = {Behavior.KETAMA: 1, **({Behavior.HASH: HASHES[key_hash]} if key_hash else {})}
    assert libmemcached.slots(servers, behaviors, KEYS) == list(map(select, KEYS))


def test_a_server_that_leaves_gives_up_its_own_keys_only() -> None:
    nodes: list[Node | None] = [Node(f"10.0.0.{number}:11211") for number in range(5)]
    before = list(map(select_by("consistent", nodes), KEYS))
    after = list(map(select_by("consistent", [*nodes[:2], None, *nodes[3:]]), KEYS))
    assert all(new == old for old, new in zip(before, after, strict=True) if old != 2)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        select_by("consistent", [Node("a"), Node("b", weight=0)])
    with pytest.raises(ValueError, match="unknown key hash"):
        select_by("consistent", 3, key_hash="sha1")
