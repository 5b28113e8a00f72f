"""meta-memcache's client through a proxy of two workers, to servers of both kinds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from meta_memcache import Key, LeasePolicy, RequestFlags, SetMode, StalePolicy, Success
from meta_memcache.protocol import MA_MODE_DEC

from tests.clients.meta_pools import MetaPools
from tests.support.processes import memcache_server_command, memcached_command, running

pytestmark = pytest.mark.memcached

LEASE = LeasePolicy(ttl=30, miss_retries=1, miss_retry_wait=0.01)
STALE = StalePolicy(mark_stale_on_deletion_ttl=30, mark_stale_on_cas_mismatch=True)


@pytest.fixture(scope="module", params=[memcache_server_command, memcached_command], ids=["ours", "memcached"])
def address(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    command: Callable[[int], list[str]] = request.param
    with ExitStack() as stack:
        servers = [stack.enter_context(running(command)) for _ in range(3)]
        upstreams = [word for server in servers for word in ("--upstream", f"127.0.0.1:{server.address[1]}")]
        words = ["-m", "mcproxy", "--num-proxies", "2", *upstreams]
        proxy = running(lambda port: [sys.executable, *words, "--listen", f"127.0.0.1:{port}"])
        yield stack.enter_context(proxy).address


@pytest.fixture
def client(address: tuple[str, int]) -> Iterator[Any]:
    pools = MetaPools()
    yield pools.client(address)
    pools.close()


@pytest.mark.parametrize("value", ["text", b"\r\nEN\r\n\x00\xff", -42, None, {"a": [1, (2, 3)]}, b"large" * 200_000])
def test_values_come_back_as_they_were(client: Any, value: object) -> None:
    assert client.set("value", value, ttl=100) is True
    assert client.get("value") == value
    assert client.multi_get(["value", "absent"]) == {Key("value"): value, Key("absent"): None}


def test_many_keys_in_quiet_batches(client: Any) -> None:
    values = {Key(f"many:{number}"): f"value {number}" for number in range(500)}
    for key, value in values.items():
        assert client.set(key, value, ttl=100, no_reply=True) is True
    assert client.multi_get([*values, Key("absent")]) == {**values, Key("absent"): None}
    for key in list(values)[:250]:
        assert client.delete(key) is True
    assert sum(value is not None for value in client.multi_get(list(values)).values()) == 250


def test_keys_that_only_base64_can_say(client: Any) -> None:
    for name in ("schlüssel 🔑", "with blanks in it", "/a/b/with a prefix", "x" * 300):
        assert client.set(name, "1", ttl=100) is True
        assert client.get(name) == "1"
        assert client.multi_get([name]) == {Key(name): "1"}
        assert client.delete(name) is True
        assert client.get(name) is None


def test_modes_and_numbers(client: Any) -> None:
    client.delete("m"), client.delete("n")
    assert client.set("m", "x", ttl=100, set_mode=SetMode.REPLACE) is False
    assert client.set("m", "x", ttl=100, set_mode=SetMode.ADD) is True
    assert client.set("m", "y", ttl=100, set_mode=SetMode.ADD) is False
    assert client.set("m", "y", ttl=100, set_mode=SetMode.APPEND) is True
    assert client.get("m") == "xy"
    assert client.delta("n", 5) is False
    assert client.delta_initialize("n", 5, 10, 100) is True
    assert client.delta_and_get("n", 7) == 17
    flags = RequestFlags(mode=MA_MODE_DEC, ma_delta_value=2)
    assert isinstance(client.meta_arithmetic(Key("n"), flags), Success)
    assert client.get("n") is not None


def test_compare_and_swap(client: Any) -> None:
    client.set("c", "1", ttl=100)
    value, cas = client.get_cas("c")
    assert value == "1"
    assert client.set("c", "2", ttl=100, cas_token=cas) is True
    assert client.set("c", "3", ttl=100, cas_token=cas) is False
    assert client.get("c") == "2"


def test_a_lease_is_won_once(client: Any) -> None:
    client.delete("lease")
    value, token = client.get_or_lease_cas("lease", lease_policy=LEASE)
    assert value is None
    assert token
    assert client.get_or_lease("lease", lease_policy=LEASE) is None  # somebody else has it
    assert client.set("lease", "made", ttl=100, cas_token=token) is True
    assert client.get_or_lease("lease", lease_policy=LEASE) == "made"


def test_stale_values_are_served_to_all_but_one(client: Any) -> None:
    client.set("stale", "old", ttl=100)
    assert client.invalidate("stale", stale_policy=STALE) is True
    assert client.get("stale") is None  # wins: shall store it anew
    assert client.get("stale") == "old"
    client.set("stale", "new", ttl=100)
    assert client.get("stale") == "new"
