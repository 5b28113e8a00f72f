"""Django's two memcached backends: every method of a cache, as it is and awaited."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any

import pylibmc
import pytest
from asgiref.sync import async_to_sync
from django.core.cache import CacheHandler, InvalidCacheKey
from django.core.cache.backends.memcached import PyLibMCCache, PyMemcacheCache
from pymemcache.exceptions import MemcacheClientError, MemcacheServerError

from tests.clients.lives import near
from tests.clients.recording import Recording, public_methods
from tests.memcache_server.serving import Raw
from tests.support.processes import Server

BACKENDS = [PyMemcacheCache, PyLibMCCache]
THIRTY_DAYS_S = 30 * 24 * 3600
TOO_LARGE = "x" * ((1 << 20) + 1)
SIMPLE = {"a": 1, "b": "text", "c": {"list": [1, None]}, "schlüssel": b"\r\nEND\r\n"}


def made(backend: type, *servers: Server, **params: Any) -> Any:
    """A cache as the setting CACHES describes it."""
    location = ["{}:{}".format(*server.address) for server in servers]
    setting = {"BACKEND": f"{backend.__module__}.{backend.__name__}", "LOCATION": location, **params}
    return CacheHandler({"default": setting})["default"]


def awaited(cache: Any) -> Any:
    """The same methods by their twins for asyncio."""

    class Awaited:
        def __getattr__(self, name: str) -> Any:
            twin = getattr(cache, f"a{name}", None)
            return async_to_sync(twin) if inspect.iscoroutinefunction(twin) else getattr(cache, name)

    return Awaited()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def cache(backend: type, server: Server) -> Iterator[Any]:
    made_cache = made(backend, server)
    made_cache.clear()
    yield made_cache
    made_cache.close()


def ttl_of(server: Server, key: str) -> int:
    """Seconds left by the server's account; -1 for ever, -2 without an item."""
    with Raw(server.address) as raw:
        reply = raw.ask(b"mg %b t\r\n" % key.encode())
    return -2 if reply == b"EN\r\n" else int(reply.removeprefix(b"HD t"))


def set_and_get(cache: Any) -> None:
    for key, value in SIMPLE.items():
        cache.set(key, value)
        assert cache.get(key) == value
    assert cache.get("absent") is None
    assert cache.get("absent", "default") == "default"
    cache.set("a", "")
    assert cache.get("a", "default") == ""
    cache.set("large", "x" * 1_000_000)
    assert cache.get("large") == "x" * 1_000_000


def add(cache: Any) -> None:
    assert cache.add("a", 1) is True
    assert cache.add("a", 2) is False
    assert cache.get("a") == 1


def touch(cache: Any) -> None:
    assert cache.touch("a") is False
    cache.set("a", 1)
    assert cache.touch("a", 100) is True
    assert cache.touch("a", None) is True
    assert cache.get("a") == 1
    assert cache.touch("a", 0) is True
    assert cache.get("a") is None
    assert cache.touch("a", 0) is False


def delete(cache: Any) -> None:
    assert cache.delete("a") is False
    cache.set("a", 1)
    assert cache.delete("a") is True
    assert cache.get("a") is None


def many(cache: Any) -> None:
    assert cache.set_many(SIMPLE) == []
    assert cache.get_many([*SIMPLE, "absent"]) == SIMPLE
    cache.delete_many(["a", "b", "absent"])
    assert cache.get_many(SIMPLE) == {key: value for key, value in SIMPLE.items() if key not in "ab"}
    numbers = {f"key-{number}": number for number in range(100)}
    assert cache.set_many(numbers, timeout=100) == []
    assert cache.get_many(numbers) == numbers
    assert cache.get_many([]) == {}
    cache.set_many(numbers, timeout=0)
    assert cache.get_many(numbers) == {}


def incr_and_decr(cache: Any) -> None:
    cache.set("n", 10)
    assert cache.incr("n") == 11
    assert cache.incr("n", 10) == 21
    assert cache.incr("n", -1) == 20
    assert cache.decr("n") == 19
    assert cache.decr("n", 10) == 9
    assert cache.decr("n", -1) == 10
    assert cache.get("n") == 10
    for change in (cache.incr, cache.decr):
        with pytest.raises(ValueError, match="not found"):
            change("absent")


def has_key(cache: Any) -> None:
    assert cache.has_key("a") is False
    cache.set("a", None)
    assert cache.has_key("a") is True


def get_or_set(cache: Any) -> None:
    assert cache.get_or_set("a", lambda: "made") == "made"
    assert cache.get_or_set("a", "unused", timeout=100) == "made"
    assert cache.get_or_set("b", "value") == "value"
    assert cache.get("b") == "value"


def clear(cache: Any) -> None:
    cache.set_many(SIMPLE)
    cache.clear()
    assert cache.get_many(SIMPLE) == {}
    cache.set("a", 1)
    assert cache.get("a") == 1


def close(cache: Any) -> None:
    cache.set("a", 1)
    cache.close()
    assert cache.get("a") == 1


def versions(cache: Any) -> None:
    cache.set("a", "first")
    cache.set("a", "second", version=2)
    assert (cache.get("a"), cache.get("a", version=1), cache.get("a", version=2)) == ("first", "first", "second")
    assert cache.incr_version("a", version=2) == 3
    assert cache.get_many(["a"], version=2) == {}
    assert cache.get("a", version=3) == "second"
    assert cache.decr_version("a", version=3) == 2
    assert cache.get("a", version=2) == "second"
    assert cache.delete("a", version=2) is True
    assert cache.get("a") == "first"
    for change in (cache.incr_version, cache.decr_version):
        with pytest.raises(ValueError, match="not found"):
            change("absent")


EXERCISES: dict[str, Callable[[Any], None]] = {
    "add": add,
    "clear": clear,
    "close": close,
    "decr": incr_and_decr,
    "decr_version": versions,
    "delete": delete,
    "delete_many": many,
    "get": set_and_get,
    "get_many": many,
    "get_or_set": get_or_set,
    "has_key": has_key,
    "incr": incr_and_decr,
    "incr_version": versions,
    "set": set_and_get,
    "set_many": many,
    "touch": touch,
}
ELSEWHERE = {  # what asks no server, and what the tests below exercise
    "__contains__",
    "client_servers",
    "get_backend_timeout",
    "make_and_validate_key",
    "make_key",
    "validate_key",
}


@pytest.mark.parametrize("name", EXERCISES)
def test_a_method(cache: Any, name: str) -> None:
    recording = Recording(cache)
    EXERCISES[name](recording)
    assert name in recording.called


@pytest.mark.parametrize("name", EXERCISES)
def test_a_method_awaited(cache: Any, name: str) -> None:
    recording = Recording(awaited(cache))
    EXERCISES[name](recording)
    assert name in recording.called
    assert inspect.iscoroutinefunction(getattr(cache, f"a{name}"))


def test_every_method_has_its_exercise(backend: type) -> None:
    twins = {f"a{name}" for name in EXERCISES}
    assert set(public_methods(backend)) - {*EXERCISES, *twins} == ELSEWHERE


def test_membership(cache: Any) -> None:
    cache.set("a", 1)
    assert "a" in cache
    assert "absent" not in cache


def test_a_counter_stops_at_zero(cache: Any) -> None:
    """Counted by the server: the twins for asyncio get and set instead, and go below."""
    cache.set("n", 10)
    assert cache.decr("n", 100) == 0
    assert cache.incr("n", 5) == 5
    cache.set("n", (1 << 64) - 1)
    assert cache.incr("n") == 0
    cache.set("n", "word")
    with pytest.raises((MemcacheClientError, pylibmc.ClientError)):
        cache.incr("n")


def test_timeouts(backend: type, server: Server) -> None:
    cache = made(backend, server, TIMEOUT=500)
    for timeout, lives in ((100, near(100)), (None, (-1,)), (0, (-2,)), (-5, (-2,))):
        cache.set("a", 1, timeout)
        assert ttl_of(server, ":1:a") in lives
        cache.set_many({"b": 1}, timeout)
        assert ttl_of(server, ":1:b") in lives
        cache.delete("c")
        cache.add("c", 1, timeout)
        assert ttl_of(server, ":1:c") in lives
        if timeout == -5 and backend is PyLibMCCache:
            continue  # its touch sends the number as one without a sign
        cache.set("d", 1, 1_000)
        assert cache.touch("d", timeout) is True
        assert ttl_of(server, ":1:d") in lives
    cache.set("a", 1)
    assert ttl_of(server, ":1:a") in near(500)
    cache.set("a", 1, THIRTY_DAYS_S + 100)  # sent as a time of day
    assert ttl_of(server, ":1:a") in near(THIRTY_DAYS_S + 101)
    cache.touch("a")
    assert ttl_of(server, ":1:a") in near(500)
    forever = made(backend, server, TIMEOUT=None)
    forever.set("a", 1)
    assert ttl_of(server, ":1:a") == -1
    for used in (cache, forever):
        used.close()


def test_an_item_runs_out(cache: Any) -> None:
    cache.set("a", 1, 1)
    deadline = time.monotonic() + 10
    while "a" in cache:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert cache.add("a", 2) is True


def test_prefix_version_and_key_function(backend: type, server: Server) -> None:
    plain = made(backend, server)
    other = made(backend, server, KEY_PREFIX="app", VERSION=7)
    own = made(backend, server, KEY_FUNCTION=lambda key, prefix, version: f"{key}/{version}")
    plain.clear()
    for cache in (plain, other, own):
        assert cache.add("a", 1) is True
    assert [ttl_of(server, key) > 0 for key in (":1:a", "app:7:a", "a/1", "a")] == [True, True, True, False]
    assert other.get("a", version=1) is None
    assert other.incr_version("a") == 8
    assert ttl_of(server, "app:8:a") > 0
    for cache in (plain, other, own):
        cache.close()


@pytest.mark.parametrize("key", ["k" * 248, "two words", "line\n", "\x7f"])
def test_keys_that_are_not_sent(cache: Any, key: str) -> None:
    for use in (cache.get, cache.delete, cache.touch, cache.incr, lambda key: cache.set(key, 1)):
        with pytest.raises(InvalidCacheKey):
            use(key)
    for use_many in (cache.get_many, cache.delete_many, lambda keys: cache.set_many(dict.fromkeys(keys, 1))):
        with pytest.raises(InvalidCacheKey):
            use_many(["a", key])


def test_the_longest_key(cache: Any) -> None:
    cache.set("k" * 247, 1)
    assert cache.get_many(["k" * 247]) == {"k" * 247: 1}


def test_a_value_too_large_is_refused(cache: Any) -> None:
    cache.set("a", "old")
    with pytest.raises((MemcacheServerError, pylibmc.TooBig)):
        cache.set("a", TOO_LARGE)
    assert cache.get("a") is None
    cache.set("a", "new")
    assert cache.get("a") == "new"


@pytest.mark.parametrize("separator", [None, ";", ","])
def test_keys_spread_over_several_servers(backend: type, three_servers: list[Server], separator: str | None) -> None:
    cache = made(backend, *three_servers)
    if separator:
        cache = made(backend, LOCATION=separator.join(cache.client_servers))
    cache.clear()
    numbers = {f"key-{number}": number for number in range(300)}
    assert cache.set_many(numbers) == []
    assert cache.get_many(numbers) == numbers
    held = [sum(ttl_of(server, f":1:{key}") > 0 for key in numbers) for server in three_servers]
    assert (sum(held), min(held) > 0) == (300, True)
    cache.delete_many(numbers)
    assert cache.get_many(numbers) == {}
    cache.close()


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        (PyMemcacheCache, {"use_pooling": True, "max_pool_size": 4, "no_delay": True}),
        (PyMemcacheCache, {"default_noreply": True}),
        (PyLibMCCache, {"behaviors": {"ketama": True, "tcp_nodelay": True, "cas": True}}),
        (PyLibMCCache, {"behaviors": {"no_block": True, "tcp_keepalive": True}}),
    ],
    ids=str,
)
def test_options_of_the_clients(backend: type, options: dict[str, Any], server: Server) -> None:
    cache = made(backend, server, OPTIONS=options)
    cache.clear()
    set_and_get(cache)
    many(cache)
    cache.close()
