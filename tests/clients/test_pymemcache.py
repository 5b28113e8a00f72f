"""pymemcache: every method of Client, PooledClient, HashClient and RetryingClient, and what they raise.

Through the proxy the same package is tested by tests/e2e.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.client.retrying import RetryingClient
from pymemcache.exceptions import (
    MemcacheClientError,
    MemcacheIllegalInputError,
    MemcacheServerError,
    MemcacheUnexpectedCloseError,
    MemcacheUnknownCommandError,
)
from pymemcache.serde import CompressedSerde, pickle_serde

from tests.clients.conftest import Kind
from tests.clients.pymemcache_exercises import EXERCISES
from tests.clients.recording import Recording, public_methods
from tests.support.processes import Address, Server, free_port
from tests.support.waiting import wait_until

OPTIONS = {"timeout": 10, "connect_timeout": 10, "key_prefix": b"pymemcache:"}
SHUTDOWN_REFUSED = (MemcacheServerError, MemcacheUnknownCommandError)  # the word before it changed after 1.6.18
LARGEST_VALUE = 1_048_517 - len("pymemcache:large")  # that a server with its defaults stores


@dataclass(frozen=True, slots=True)
class Case:
    """A class of client: whose methods it offers, and how one is made for these servers."""

    offers: type
    make: Callable[[list[Address]], Any]


CASES = {
    "Client": Case(Client, lambda servers: Client(servers[0], **OPTIONS)),
    "PooledClient": Case(PooledClient, lambda servers: PooledClient(servers[0], max_pool_size=3, **OPTIONS)),
    "HashClient": Case(HashClient, lambda servers: HashClient(servers, **OPTIONS)),
    "HashClient of pools": Case(HashClient, lambda servers: HashClient(servers, use_pooling=True, **OPTIONS)),
    "RetryingClient": Case(Client, lambda servers: RetryingClient(Client(servers[0], **OPTIONS), attempts=3)),
    "RetryingClient of a pool": Case(
        PooledClient, lambda servers: RetryingClient(PooledClient(servers[0], **OPTIONS), attempts=3)
    ),
}


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with closing(Client(server.address, **OPTIONS)) as made:
        yield made


@pytest.mark.parametrize(
    ("case", "method"), [(case, method) for case, of in CASES.items() for method in public_methods(of.offers)]
)
def test_every_method(case: str, method: str, three_servers: list[Server]) -> None:
    with closing(CASES[case].make([server.address for server in three_servers])) as made:
        client = Recording(made)
        EXERCISES[method](client)
    assert method in client.called


def test_keys_spread_over_three_servers(three_servers: list[Server]) -> None:
    with closing(HashClient([server.address for server in three_servers], **OPTIONS)) as client:
        values = {f"spread-{number}": b"%d" % number for number in range(300)}
        assert client.set_many(values, noreply=False) == []
        assert client.get_many(values) == values
        counts = []
        for server in three_servers:
            with closing(Client(server.address, **OPTIONS)) as alone:
                counts.append(len(alone.get_many(values)))
        assert sum(counts) == 300
        assert min(counts) > 50
        assert client.delete_many(values, noreply=False) is True
        assert client.get_many(values) == {}


def test_delayed_flush(kind: Kind) -> None:
    with kind.running() as server, closing(Client(server.address, **OPTIONS)) as client:
        client.set("a", "1", noreply=False)
        assert client.flush_all(delay=2, noreply=False) is True
        assert client.get("a") == b"1"
        wait_until(lambda: client.get("a") is None, 5, "the flush that was to come")
        wait_until(lambda: client.set("a", "2") and client.get("a"), 5, "the end of the second that it flushed")


@pytest.mark.parametrize("graceful", [False, True])
@pytest.mark.parametrize("make", [Client, PooledClient])
def test_shutdown(make: type, graceful: bool, kind: Kind) -> None:
    with kind.running("-A") as server:
        with closing(make(server.address, timeout=10)) as client:
            assert client.set("a", "1", noreply=False)
            client.shutdown(graceful)
        wait_until(lambda: refuses(server.address), 5, "the server's end")


def refuses(address: Address) -> bool:
    """No server answers there."""
    with closing(Client(address, timeout=10)) as asking:
        try:
            asking.version()
        except (OSError, MemcacheUnexpectedCloseError):
            return True
    return False


def test_large_values(client: Client) -> None:
    largest = b"x" * LARGEST_VALUE
    assert client.set("large", largest, noreply=False) is True
    assert client.get("large") == largest
    with pytest.raises(MemcacheServerError, match="object too large for cache"):
        client.set("large", largest + b"x", noreply=False)
    assert client.get("large") is None  # no old value under a key whose new one was refused
    with pytest.raises(MemcacheServerError, match="object too large for cache"):
        client.set_many({"small": "1", "large": largest + b"x"}, noreply=False)
    client.set("large", largest + b"x", noreply=True)
    assert client.get("large") is None
    assert client.get("small") == b"1"


def test_errors_that_the_server_answers(client: Client) -> None:
    client.set("word", "abc", noreply=False)
    for change in (client.incr, client.decr):
        with pytest.raises(MemcacheClientError, match="cannot increment or decrement non-numeric value"):
            change("word", 1)
        with pytest.raises(MemcacheClientError, match="invalid numeric delta argument"):
            change("word", -1)
    with pytest.raises(MemcacheClientError, match="bad data chunk"):
        client.raw_command("set word 0 0 3\r\nabcdef")
    with pytest.raises(MemcacheUnknownCommandError):
        client.raw_command("nonsense")
    with pytest.raises(SHUTDOWN_REFUSED):
        client.shutdown()
    assert client.get("word") == b"abc"


@pytest.mark.parametrize(
    "key", ["", "k" * 240, "two words", "line\r\nbreak", "nul\0", "schlüssel", b"tab\tbed"], ids=repr
)
def test_keys_that_are_not_sent(key: str | bytes, client: Client) -> None:
    if key == "":  # the prefix alone is a key
        assert client.set(key, "1", noreply=False) is True
        return
    for call in (
        lambda: client.set(key, "1"),
        lambda: client.get(key),
        lambda: client.get_many(["good", key]),
        lambda: client.delete(key),
        lambda: client.incr(key, 1),
        lambda: client.touch(key),
    ):
        with pytest.raises(MemcacheIllegalInputError):
            call()


def test_arguments_that_are_not_sent(client: Client) -> None:
    for call in (
        lambda: client.set("a", "1", expire="soon"),
        lambda: client.set("a", "ü"),
        lambda: client.cas("a", "1", "x"),
        lambda: client.incr("a", "1"),
        lambda: client.flush_all("now"),
        lambda: client.cache_memlimit("64"),
        lambda: client.touch("a", None),
    ):
        with pytest.raises(MemcacheIllegalInputError):
            call()


def test_unicode_keys_and_values(server: Server) -> None:
    with closing(Client(server.address, allow_unicode_keys=True, encoding="utf-8", timeout=10)) as client:
        assert client.set("schlüssel-키-🔑", "wörter", noreply=False) is True
        assert client.get("schlüssel-키-🔑") == "wörter".encode()
        assert client.get_many(["schlüssel-키-🔑", "absent"]) == {"schlüssel-키-🔑": "wörter".encode()}


@pytest.mark.parametrize("serde", [pickle_serde, CompressedSerde(min_compress_len=10)], ids=["pickle", "zlib"])
def test_objects(serde: Any, server: Server) -> None:
    with closing(Client(server.address, serde=serde, timeout=10)) as client:
        things = {
            "dict": {"a": [1, 2.5, None]},
            "text": "äöü" * 100,
            "number": 42,
            "bytes": b"\0\r\n" * 100,
            "none": "",
        }
        assert client.set_many(things, noreply=False) == []
        assert client.get_many(things) == things
        value, cas = client.gets("dict")
        assert client.cas("dict", {**value, "b": 1}, cas) is True
        assert client.get("dict") == {**value, "b": 1}


def test_flags_given_by_hand(server: Server) -> None:
    seen: list[int] = []

    def deserialize(key: bytes, value: bytes, flags: int) -> bytes:
        seen.append(flags)
        return value

    with closing(Client(server.address, deserializer=deserialize, timeout=10)) as client:
        for flags in (0, 1, 65_536, 4_294_967_295):
            client.set("flagged", "1", flags=flags, noreply=False)
            client.get("flagged")
        assert seen == [0, 1, 65_536, 4_294_967_295]


def test_a_pool_used_by_threads(server: Server) -> None:
    with closing(PooledClient(server.address, max_pool_size=8, timeout=10)) as client:
        client.set("counter", "0", noreply=False)

        def count() -> None:
            for _ in range(100):
                client.incr("counter", 1)

        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.get("counter") == b"800"


def test_a_server_that_restarts(kind: Kind) -> None:
    """A client sees its connection close; a retrying one asks again over a new connection, if told so."""
    port = free_port()
    with ExitStack() as clients:
        with kind.running(port=port) as first:
            plain, *retrying = (clients.enter_context(closing(Client(first.address, timeout=10))) for _ in range(3))
            closed = (MemcacheUnexpectedCloseError, ConnectionError)
            any_error = RetryingClient(retrying[0], attempts=2)
            closed_only = RetryingClient(retrying[1], attempts=2, retry_for=closed)
            for client in (plain, any_error, closed_only):
                assert client.set("a", "1", noreply=False) is True
        with kind.running(port=port):
            with pytest.raises(closed):
                plain.get("a")
            assert any_error.get("a") is None
            assert closed_only.set("a", "2", noreply=False) is True
            assert plain.get("a") == b"2"
            with pytest.raises(MemcacheClientError):
                closed_only.incr("a", -1)


def test_a_client_that_hides_failures(kind: Kind) -> None:
    with ExitStack() as stopping:
        server = stopping.enter_context(kind.running())
        with closing(Client(server.address, ignore_exc=True, timeout=10)) as client:
            client.set("a", "1", noreply=False)
            assert client.get("a") == b"1"
            stopping.close()
            assert client.get("a", "default") == "default"
            assert client.get_many(["a"]) == {}


def test_a_hash_client_goes_on_without_a_server(kind: Kind, three_servers: list[Server]) -> None:
    keys = [f"leaving-{number}" for number in range(200)]
    staying = [server.address for server in three_servers]
    with ExitStack() as leaving:
        addresses = [*staying, leaving.enter_context(kind.running()).address]
        with closing(HashClient(addresses, retry_attempts=0, **OPTIONS)) as client:
            assert client.set_many(dict.fromkeys(keys, "1"), noreply=False) == []
            leaving.close()
            failures = sum(fails(client, key) for key in keys)
            assert failures in (1, 2)  # the closed connection, the refused one: then it is taken out
            assert client.set_many(dict.fromkeys(keys, "2"), noreply=False) == []
            assert client.get_many(keys) == dict.fromkeys(keys, b"2")


def fails(client: HashClient, key: str) -> bool:
    try:
        client.get(key)
    except (OSError, MemcacheUnexpectedCloseError):
        return True
    return False
