"""The proxy in the place of others: what they have stored it finds, every key, over the same real servers.

Each row of ORIGINALS is a setting of another program and ours for it, as docs/configuration.md has them: three rows
with few keys in every run, all of them with 100,000 in `make soak`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import memcache
import pylibmc
import pytest
from pymemcache.client.hash import HashClient

from mcproxy.hashing.key_hashes import KEY_HASHES
from tests.support.nutcracker import Pool, nutcracker
from tests.support.placement import SERVERS, VALUE, fleet_command, keys_of, misplaced, pool_config, stored_without_reply
from tests.support.processes import Address, running

pytestmark = [pytest.mark.memcached, pytest.mark.xdist_group("drop-in")]

KEYS, FEW_KEYS = 100_000, 10_000
WEIGHTS = (1, 2, 5, 1, 3)
NAMES = ("cache-2", "cache-10", "cache-1", "cache-30", "cache-3")

Store = Callable[[Sequence[Address], Sequence[bytes], Path], None]


@dataclass(frozen=True)
class Original:
    """`store` writes keys as the other program places them; `hash` and `fields` are the same for our pool."""

    store: Store
    hash: object
    fields: Mapping[str, Any] = field(default_factory=dict)
    order: Callable[[Sequence[Address]], Sequence[Address]] = lambda addresses: addresses


# -- twemproxy --------------------------------------------------------------


def twemproxy(weights: Sequence[int] = (), names: Sequence[str] = (), **settings: str) -> Store:
    """A pool of nutcracker with these settings; `names` make it forget the addresses."""

    def store(addresses: Sequence[Address], keys: Sequence[bytes], scratch: Path) -> None:
        servers = [
            f"{host}:{port}:{weights[at] if weights else 1}{' ' + names[at] if names else ''}"
            for at, (host, port) in enumerate(addresses)
        ]
        pool: Pool = {**settings, "timeout": "30000", "servers": servers}
        with nutcracker({"pool": pool}) as sockets, closing(socket.socket(socket.AF_UNIX)) as client:
            client.settimeout(60)
            client.connect(str(sockets["pool"]))
            requests = b"".join(map(stored_without_reply, keys))
            writer = threading.Thread(target=client.sendall, args=(requests,))
            writer.start()
            writer.join()
            # a get of the last key of each server comes back behind all that was set there
            client.sendall(b"get %b\r\n" % b" ".join(keys[-200:]))
            replies = client.makefile("rb")
            while replies.readline() not in (b"END\r\n", b""):
                pass

    return store


def by_length_of_name(addresses: Sequence[Address]) -> Sequence[Address]:
    """twemproxy's own order of servers without names; only modula asks for it."""
    return sorted(addresses, key=lambda address: (len(f"{address[0]}:{address[1]}"), f"{address[0]}:{address[1]}"))


def named_by_length(addresses: Sequence[Address]) -> Sequence[Address]:
    """The same of servers with NAMES."""
    names = dict(zip(addresses, NAMES, strict=True))
    return sorted(addresses, key=lambda address: (len(names[address]), names[address]))


TWEMPROXY_HASHES = sorted(set(KEY_HASHES) - {"murmur3"})

TWEMPROXY = {
    **{
        f"twemproxy_ketama_{name}": Original(
            twemproxy(hash=name, distribution="ketama"), {"hash_func": "ketama", "key_hash": name}
        )
        for name in TWEMPROXY_HASHES
    },
    **{
        f"twemproxy_modula_{name}": Original(
            twemproxy(hash=name, distribution="modula"),
            {"hash_func": "modula", "key_hash": name},
            order=by_length_of_name,
        )
        for name in TWEMPROXY_HASHES
    },
    "twemproxy_defaults": Original(twemproxy(), {"hash_func": "ketama"}),
    "twemproxy_ketama_weighted": Original(
        twemproxy(WEIGHTS, distribution="ketama"), {"hash_func": "ketama", "weights": WEIGHTS}
    ),
    "twemproxy_ketama_named": Original(
        twemproxy(WEIGHTS, NAMES, distribution="ketama", hash="murmur"),
        {"hash_func": "ketama", "key_hash": "murmur"},
        {"names": NAMES, "weights": WEIGHTS},
    ),
    "twemproxy_modula_named": Original(
        twemproxy((), NAMES, distribution="modula", hash="md5"),
        {"hash_func": "modula", "key_hash": "md5"},
        order=named_by_length,
    ),
    "twemproxy_hash_tag": Original(
        twemproxy(distribution="ketama", hash="fnv1a_64", hash_tag='"::"'), {"hash_func": "ketama", "hash_tag": "::"}
    ),
}


# -- libmemcached, by pylibmc -----------------------------------------------


def libmemcached(weights: Sequence[int] = (), **behaviors: Any) -> Store:
    """pylibmc with these behaviors."""

    def store(addresses: Sequence[Address], keys: Sequence[bytes], scratch: Path) -> None:
        servers = [f"{host}:{port}:{weights[at] if weights else 1}" for at, (host, port) in enumerate(addresses)]
        client = pylibmc.Client(servers, behaviors={**behaviors, "no_block": True, "tcp_nodelay": True})
        assert client.set_multi(dict.fromkeys((key.decode() for key in keys), VALUE)) == []
        client.disconnect_all()

    return store


LIBMEMCACHED_HASHES = {  # pylibmc's names, ours
    "default": "one_at_a_time",
    "crc": "crc32",
    "md5": "md5",
    "fnv1_64": "fnv1_64",
    "fnv1a_64": "fnv1a_64",
    "fnv1_32": "fnv1_32",
    "fnv1a_32": "fnv1a_32",
    "murmur": "murmur",
    "jenkins": "jenkins",
}

LIBMEMCACHED = {
    "libmemcached_defaults": Original(libmemcached(), {"hash_func": "modula", "key_hash": "one_at_a_time"}),
    "libmemcached_ketama": Original(libmemcached(ketama=True), "consistent"),
    "libmemcached_ketama_with_weights": Original(
        libmemcached(WEIGHTS, ketama=True), {"hash_func": "consistent", "weights": WEIGHTS}
    ),
    "libmemcached_ketama_weighted": Original(
        libmemcached(ketama_weighted=True), {"hash_func": "ketama", "key_hash": "md5"}
    ),
    "libmemcached_ketama_weighted_with_weights": Original(
        libmemcached(WEIGHTS, ketama_weighted=True), {"hash_func": "ketama", "key_hash": "md5"}, {"weights": WEIGHTS}
    ),
    **{
        f"libmemcached_modula_{ours}": Original(libmemcached(hash=theirs), {"hash_func": "modula", "key_hash": ours})
        for theirs, ours in LIBMEMCACHED_HASHES.items()
    },
    **{
        f"libmemcached_ketama_{ours}": Original(
            libmemcached(ketama=True, hash=theirs), {"hash_func": "consistent", "key_hash": ours}
        )
        for theirs, ours in LIBMEMCACHED_HASHES.items()
    },
}


# -- clients in Python ------------------------------------------------------


def pymemcache(addresses: Sequence[Address], keys: Sequence[bytes], scratch: Path) -> None:
    """HashClient with its defaults."""
    client = HashClient(list(addresses), timeout=60, use_pooling=False)
    assert client.set_many(dict.fromkeys((key.decode() for key in keys), VALUE), noreply=False) == []
    client.close()


def python_memcached(weights: Sequence[int] = ()) -> Store:
    """The client of python-memcached."""

    def store(addresses: Sequence[Address], keys: Sequence[bytes], scratch: Path) -> None:
        servers = [
            (f"{host}:{port}", weights[at]) if weights else f"{host}:{port}"
            for at, (host, port) in enumerate(addresses)
        ]
        client = memcache.Client(servers, socket_timeout=60)
        assert client.set_multi(dict.fromkeys((key.decode() for key in keys), VALUE)) == []
        client.disconnect_all()

    return store


IN_PYTHON = {
    "pymemcache": Original(pymemcache, "rendezvous"),
    "python_memcached": Original(python_memcached(), {"hash_func": "modula", "key_hash": "crc32"}),
    "python_memcached_weighted": Original(
        python_memcached(WEIGHTS), {"hash_func": "modula", "key_hash": "crc32", "weights": WEIGHTS}
    ),
}

ORIGINALS = {**TWEMPROXY, **LIBMEMCACHED, **IN_PYTHON}
IN_EVERY_RUN = ("twemproxy_ketama_crc32a", "twemproxy_modula_md5", "libmemcached_ketama_weighted")


@pytest.fixture(scope="module")
def fleet() -> Iterator[list[Address]]:
    """Five servers; no key of one row is another's."""
    for program in ("memcached", "nutcracker"):
        if shutil.which(program) is None:
            pytest.skip(f"NOT COMPARED WITH TWEMPROXY: {program} is not installed (Debian package {program})")
    with ExitStack() as stack:
        servers = [stack.enter_context(running(fleet_command)) for _ in range(SERVERS)]
        yield [server.address for server in servers]
        for server in servers:  # an orderly end takes each of them a second
            os.kill(server.pid, signal.SIGKILL)


def check(name: str, count: int, fleet: Sequence[Address], scratch: Path) -> None:
    original, keys = ORIGINALS[name], keys_of(f"{name}:{count}", count)
    original.store(fleet, keys, scratch)
    config = pool_config(original.order(fleet), original.hash, **original.fields)
    lost = misplaced(config, scratch, keys)
    assert not lost, f"{len(lost)} of {count} keys, the first {lost[0]!r}"


@pytest.mark.parametrize("name", IN_EVERY_RUN)
def test_what_others_stored_is_found(name: str, fleet: Sequence[Address], tmp_path: Path) -> None:
    check(name, FEW_KEYS, fleet, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_every_key_that_any_of_them_stored_is_found(name: str, fleet: Sequence[Address], tmp_path: Path) -> None:
    check(name, KEYS, fleet, tmp_path)
