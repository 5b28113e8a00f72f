"""pymemcache's whole Client API through a proxy, with its defaults: noreply above all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from pymemcache.client.base import Client, PooledClient
from pymemcache.exceptions import MemcacheClientError, MemcacheIllegalInputError, MemcacheServerError
from pymemcache.serde import pickle_serde

from tests.e2e.local_cluster import LocalCluster, Proxy

pytestmark = pytest.mark.xdist_group("pymemcache")  # the cluster is made once

ITEM_MAX = 1 << 20
SIZES = (0, 1, 2, 100, 1_000, 4_095, 8_192, 65_535, 65_536, 100_000, 500_000, ITEM_MAX - 1_000)


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with LocalCluster() as cluster:
        yield cluster.start_proxy()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    """pymemcache's defaults: set, add, replace, append, prepend, delete, touch do not wait for a reply."""
    made = Client(proxy.address, timeout=10, allow_unicode_keys=True)
    made.delete_many(["a", "b", "c", "n"], noreply=False)
    yield made
    made.close()


def test_set_and_get(client: Client) -> None:
    assert client.set("a", "1") is True
    assert client.get("a") == b"1"
    assert client.get("b") is None
    assert client.get("b", "default") == "default"
    assert client.set("a", "2", noreply=False) is True
    assert client.get("a") == b"2"


def test_add_and_replace(client: Client) -> None:
    assert client.replace("a", "0", noreply=False) is False
    client.replace("a", "0")
    assert client.get("a") is None
    assert client.add("a", "1", noreply=False) is True
    assert client.add("a", "2", noreply=False) is False
    client.add("a", "3")
    assert client.get("a") == b"1"
    client.replace("a", "4")
    assert client.get("a") == b"4"
    assert client.replace("a", "5", noreply=False) is True


def test_append_and_prepend(client: Client) -> None:
    assert client.append("a", "x", noreply=False) is False
    assert client.prepend("a", "x", noreply=False) is False
    client.set("a", "middle")
    client.append("a", " end")
    client.prepend("a", "start ")
    assert client.get("a") == b"start middle end"
    assert client.append("a", ".", noreply=False) is True


def test_gets_and_cas(client: Client) -> None:
    assert client.gets("a") == (None, None)
    assert client.cas("a", "x", b"1") is None  # no such key
    client.set("a", "1")
    value, cas = client.gets("a")
    assert value == b"1"
    assert client.cas("a", "2", cas) is True
    assert client.cas("a", "3", cas) is False
    assert client.get("a") == b"2"
    client.cas("a", "4", client.gets("a")[1], noreply=True)
    assert client.get("a") == b"4"
    client.set_many({"b": "b", "c": "c"})
    assert {key: value for key, (value, _) in client.gets_many(["a", "b", "c", "n"]).items()} == {
        "a": b"4",
        "b": b"b",
        "c": b"c",
    }


def test_delete(client: Client) -> None:
    assert client.delete("a", noreply=False) is False
    client.set("a", "1")
    client.delete("a")
    assert client.get("a") is None
    client.set("a", "1")
    assert client.delete("a", noreply=False) is True


def test_numbers(client: Client) -> None:
    assert client.incr("n", 1) is None
    assert client.decr("n", 1) is None
    client.set("n", "10")
    assert client.incr("n", 5) == 15
    assert client.decr("n", 20) == 0
    client.set("n", "18446744073709551615")
    assert client.incr("n", 1) == 0
    client.incr("n", 7, noreply=True)
    client.decr("n", 2, noreply=True)
    assert client.get("n").rstrip() == b"5"  # memcached keeps the length that a number had
    client.set("n", "word")
    with pytest.raises(MemcacheClientError, match="cannot increment or decrement non-numeric value"):
        client.incr("n", 1)


def test_touch_and_expiry(client: Client) -> None:
    assert client.touch("a", 100, noreply=False) is False
    client.set("a", "1", expire=100)
    assert client.touch("a", 100, noreply=False) is True
    client.touch("a", -1)
    assert client.get("a") is None
    client.set("b", "1", expire=-1)
    assert client.get("b") is None
    client.set("c", "1")
    assert client.raw_command("gat 100 c", b"END\r\n") == b"VALUE c 0 1\r\n1\r\n"
    assert client.raw_command("gat -1 c", b"END\r\n") == b"VALUE c 0 1\r\n1\r\n"
    assert client.get("c") is None


def test_many_keys(client: Client) -> None:
    values = {f"many-{number}": f"value {number}".encode() for number in range(1_000)}
    assert client.set_many(values) == []
    assert client.get_many(list(values)) == values
    assert client.get_multi([*values, "absent"]) == values
    assert client.set_many(values, noreply=False) == []
    assert client.delete_many(list(values)[:500]) is True
    assert client.get_many(list(values)) == dict(list(values.items())[500:])
    assert client.delete_multi(list(values), noreply=False) is True
    assert client.get_many(list(values)) == {}


@pytest.mark.parametrize("size", SIZES)
def test_values_of_all_sizes(client: Client, size: int) -> None:
    value = (hashlib.sha256(b"%d" % size).digest() * (size // 32 + 1))[:size]
    assert client.set("a", value, noreply=False) is True
    assert client.get("a") == value
    client.set("b", value)
    assert client.get_many(["a", "b"]) == {"a": value, "b": value}


def test_a_value_too_large_is_refused_and_the_connection_goes_on(client: Client) -> None:
    client.set("a", "old")
    with pytest.raises(MemcacheServerError, match="object too large for cache"):
        client.set("a", b"x" * (ITEM_MAX + 1), noreply=False)
    assert client.get("a") is None  # the old value must not stay, as the original has it
    client.set("b", b"x" * (ITEM_MAX + 1))  # nobody waits for the answer, so none may come
    assert client.get("b") is None
    assert client.set("b", "small", noreply=False) is True


def test_values_that_look_like_the_protocol(client: Client) -> None:
    for value in (b"END\r\n", b"\r\n", b"VALUE a 0 1\r\nx\r\nEND\r\n", b"STORED\r\n", bytes(range(256)) * 3):
        client.set("a", value)
        client.set("b", value)
        assert client.get_many(["a", "b"]) == {"a": value, "b": value}


def test_keys(client: Client) -> None:
    longest = "k" * 250
    client.set(longest, "1")
    assert client.get(longest) == b"1"
    with pytest.raises(MemcacheIllegalInputError):
        client.set(longest + "k", "1")
    for key in (
        b"\x01\x02\x7f",
        bytes(range(128, 256)),
        "schlüssel-키-🔑",
        b"|",
        b"a/b:c|d",
        "k" * 125 + "|#|" + "s" * 100,
    ):
        client.set(key, "1")
        assert client.get(key) == b"1"
        assert client.get_many([key, "absent"]) == {key: b"1"}
        assert client.delete(key, noreply=False) is True


def test_flags_and_objects(proxy: Proxy) -> None:
    client = Client(proxy.address, serde=pickle_serde)
    thing = {"numbers": [1, 2, 3], "text": "äöü", "none": None}
    client.set("object", thing)
    client.set("number", 42)
    assert client.get_many(["object", "number"]) == {"object": thing, "number": 42}
    client.close()


def test_a_pooled_client(proxy: Proxy) -> None:
    client = PooledClient(proxy.address, max_pool_size=4)
    assert client.set("pooled", "1") is True
    assert client.get("pooled") == b"1"
    client.close()


def test_version_stats_and_quit(client: Client) -> None:
    assert client.version().startswith(b"mcrouter")
    assert client.stats()[b"num_servers"] == 3
    assert len(client.stats("servers")) == 3
    assert client.stats("settings") == {}
    client.quit()
    assert client.get("absent") is None  # over a new connection
