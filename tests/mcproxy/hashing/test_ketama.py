"""`ketama` (and `modula`) against twemproxy and libmemcached themselves, and twemproxy's vectors."""

import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcproxy.hashing import Node
from mcproxy.hashing.ketama import digest_count, ketama_points, point_name
from mcproxy.hashing.key_hashes import KEY_HASHES
from tests.mcproxy.hashing.choosing import numbered, select_by
from tests.support.libmemcached import HASHES, Behavior, Library, Servers, library_or_skip
from tests.support.nutcracker import Pool, keys_held, nutcracker, store_through
from tests.support.processes import Address, memcached_command, running

TWEMPROXY_HASHES = sorted(set(KEY_HASHES) - {"murmur3"})


def test_points() -> None:
    points = ketama_points("server1", 40)
    assert (points[4 * 8], points[4 * 8 + 3]) == (3853726576, 2667054752)
    assert len(points) == 160


def test_default_port_is_left_out_of_the_name() -> None:
    assert point_name(Node("cache-a:11211")) == "cache-a"
    assert point_name(Node("cache-a:11212")) == "cache-a:11212"
    assert point_name(Node("mycache-memcached-0")) == "mycache-memcached-0"


def test_points_follow_the_weights() -> None:
    assert [digest_count(1, 3, 3)] * 3 == [40] * 3
    assert [digest_count(weight, 8, 3) for weight in (1, 2, 5)] == [15, 30, 75]


@pytest.mark.parametrize("name", ["ketama", "consistent"])
@pytest.mark.parametrize(("weight", "words"), [(0, "above zero"), (1e-320, "above zero"), (1e300, "in all")])
def test_weights_are_positive_floats_of_c(name: str, weight: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        select_by(name, [Node("a", weight=weight), Node("b", weight=weight)])


def test_missing_server_gives_its_keys_to_the_others() -> None:
    nodes: list[Node | None] = [Node(f"10.0.0.{number}:11211") for number in range(5)]
    keys = numbered(b"some:longer:key:%d", 2000)
    before = list(map(select_by("ketama", nodes, key_hash="md5"), keys))
    after = list(map(select_by("ketama", [*nodes[:2], None, *nodes[3:]], key_hash="md5"), keys))
    assert 2 not in after
    assert all(new == old for old, new in zip(before, after, strict=True) if old != 2)


# -- twemproxy --------------------------------------------------------------


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Address]]:
    for program in ("memcached", "nutcracker"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT COMPARED WITH TWEMPROXY: {program} is not installed (Debian package {program})")
    with ExitStack() as stack:
        yield [stack.enter_context(running(memcached_command)).address for _ in range(3)]


@pytest.fixture(scope="module")
def twemproxy(servers: list[Address]) -> Iterator[dict[str, Path]]:
    with nutcracker({name: pool(name, servers) for name in POOLS}) as sockets:
        yield sockets


# Pool name -> hash, distribution, weights, names ("" = host:port).
POOLS: Mapping[str, tuple[str, str, Sequence[int], Sequence[str]]] = {
    **{name: (name, "ketama", (1, 1, 1), ("", "", "")) for name in TWEMPROXY_HASHES},
    "weighted": ("fnv1a_64", "ketama", (1, 2, 5), ("", "", "")),
    "named": ("fnv1a_64", "ketama", (1, 1, 1), ("cache-2", "cache-10", "cache-1")),
    "modula": ("md5", "modula", (1, 1, 1), ("cache-10", "cache-1", "cache-2")),
    "modula_unnamed": ("md5", "modula", (1, 1, 1), ("", "", "")),
    "modula_weighted": ("fnv1a_64", "modula", (3, 1, 2), ("cache-10", "cache-1", "cache-2")),
}


def pool(name: str, servers: Sequence[Address]) -> Pool:
    key_hash, distribution, weights, names = POOLS[name]
    return {
        "hash": key_hash,
        "distribution": distribution,
        "timeout": "10000",
        "servers": [
            f"{host}:{port}:{weight} {label}".rstrip()
            for (host, port), weight, label in zip(servers, weights, names, strict=True)
        ],
    }


def varied_keys(prefix: str, count: int) -> list[bytes]:
    """Keys of 1 to 60 bytes behind the prefix, a fifth of them with bytes from 0x80 up."""
    rng = random.Random(prefix)
    letters, any_bytes = bytes(range(0x21, 0x7F)), [*range(0x21, 0x7F), *range(0x80, 0x100)]
    return [
        b"%b.%d." % (prefix.encode(), number)
        + bytes(rng.choices(letters if number % 5 else any_bytes, k=rng.randrange(1, 60)))
        for number in range(count)
    ]


@pytest.mark.memcached
@pytest.mark.parametrize("name", sorted(POOLS))
def test_equals_twemproxy(name: str, twemproxy: dict[str, Path], servers: list[Address]) -> None:
    key_hash, distribution, weights, names = POOLS[name]
    keys = varied_keys(name, 2000 if name == "fnv1a_64" else 500)
    node_at = {
        address: Node(label or f"{address[0]}:{address[1]}", weight=weight)
        for address, weight, label in zip(servers, weights, names, strict=True)
    }
    # twemproxy's own order, which matters to modula; the servers are given to it in another.
    order = sorted(servers, key=lambda address: (len(node_at[address].name), node_at[address].name))
    select = select_by(distribution, [node_at[address] for address in order], key_hash=key_hash)
    store_through(twemproxy[name], keys)
    for index, address in enumerate(order):
        assert keys_held(address, keys) == {key for key in keys if select(key) == index}


# -- libmemcached -----------------------------------------------------------


def as_nodes(servers: Servers) -> list[Node | None]:
    return [Node(f"{host}:{port}", weight=weight) for host, port, weight in servers]


@pytest.fixture(scope="module")
def libmemcached() -> Library:
    return library_or_skip()


@pytest.mark.memcached
@pytest.mark.parametrize(
    "servers",
    [
        [(f"10.0.0.{number}", 11211, 1) for number in range(3)],
        [(f"10.0.0.{number}", 11211 + number, weight) for number, weight in enumerate((1, 2, 5, 3))],
        [(f"cache-{number}.example", 11211 + number, 1) for number in range(100)],
    ],
    ids=["three", "weighted", "hundred"],
)
def test_md5_equals_libmemcached(libmemcached: Library, servers: Servers) -> None:
    keys = varied_keys("k", 3000)
    select = select_by("ketama", as_nodes(servers), key_hash="md5")
    assert libmemcached.slots(servers, {Behavior.KETAMA_WEIGHTED: 1}, keys) == [select(key) for key in keys]


@pytest.mark.memcached
@pytest.mark.parametrize("key_hash", sorted(HASHES))
def test_modula_equals_libmemcached(libmemcached: Library, key_hash: str) -> None:
    servers: Servers = [(f"cache-{number}.example", 11211, 1) for number in (2, 0, 10, 1, 5)]
    keys = varied_keys("k", 1000)
    select = select_by("modula", as_nodes(servers), key_hash=key_hash)
    got = libmemcached.slots(servers, {Behavior.HASH: HASHES[key_hash]}, keys)
    assert got == [select(key) for key in keys]
