"""python-memcached: every method of its Client, one server and three, and what it hides from its caller."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import memcache
import pytest

from tests.clients.conftest import Kind
from tests.clients.recording import Recording, public_methods
from tests.support.processes import Server, free_port


@contextmanager
def connected(*servers: Server, **options: Any) -> Iterator[memcache.Client]:
    """A client of these servers, its sockets closed at the end."""
    client = memcache.Client(["{}:{}".format(*server.address) for server in servers], socket_timeout=10, **options)
    try:
        yield client
    finally:
        client.disconnect_all()


def set_(client: Any) -> None:
    for value in (b"bytes", "tëxt", 42, -1, 1 << 70, None, 1.5, {"a": [1, 2]}, "", b"\r\nEND\r\n"):
        assert client.set("a", value)
        assert client.get("a") == value
    assert client.set("a", "1", time=timedelta(seconds=100))
    assert client.set("a", "x" * 10_000, min_compress_len=100)
    assert client.get("a") == "x" * 10_000
    assert client.set("a", "quiet", noreply=True)
    assert client.get("a") == "quiet"
    assert client.set("a", "gone", time=-1)
    assert client.get("a") is None


def get(client: Any) -> None:
    client.delete("absent")
    assert client.get("absent") is None
    assert client.get("absent", "default") == "default"
    client.set((7, "a"), "1")  # hash value given
    assert client.get((7, "a")) == "1"


def add(client: Any) -> None:
    client.delete("a")
    assert client.add("a", "1")
    assert not client.add("a", "2")
    client.add("a", "3", noreply=True)
    assert client.get("a") == "1"


def replace(client: Any) -> None:
    client.delete("a")
    assert not client.replace("a", "1")
    client.set("a", "1")
    assert client.replace("a", "2")
    client.replace("a", "3", noreply=True)
    assert client.get("a") == "3"


def append(client: Any) -> None:
    client.delete("a")
    assert not client.append("a", "x")
    client.set("a", "1")
    assert client.append("a", "2")
    client.append("a", "3", noreply=True)
    assert client.get("a") == "123"


def prepend(client: Any) -> None:
    client.delete("a")
    assert not client.prepend("a", "x")
    client.set("a", "1")
    assert client.prepend("a", "2")
    client.prepend("a", "3", noreply=True)
    assert client.get("a") == "321"


def gets_and_cas(client: Any) -> None:
    client.delete("a")
    assert client.gets("a") is None
    client.set("a", "1")
    assert client.gets("a") == "1"
    assert client.cas("a", "2")
    assert not client.cas("a", "3")  # the id of the first gets is kept
    client.gets("a")
    client.cas("a", "4", noreply=True)
    assert client.get("a") == "4"
    client.delete("a")
    assert not client.cas("a", "5")
    client.reset_cas()
    assert client.cas("a", "6")  # without an id it is a set
    assert client.get("a") == "6"


def delete(client: Any) -> None:
    client.set("a", "1")
    assert client.delete("a") == 1
    assert client.delete("a") == 0
    client.set("a", "1")
    assert client.delete("a", noreply=True) == 1
    assert client.get("a") is None


def many(client: Any) -> None:
    values = {f"many-{number}": number for number in range(200)}
    for noreply in (False, True):
        assert client.set_multi(values, time=100, key_prefix="p:", noreply=noreply) == []
        assert client.get_multi([*values, "absent"], key_prefix="p:") == values
        assert client.get("p:many-1") == 1
        assert client.delete_multi([*values, "absent"], key_prefix="p:", noreply=noreply) == 1
        assert client.get_multi(values, key_prefix="p:") == {}
    client.set_multi({1: "one", (5, "b"): "two"})
    assert client.get_multi([1, (5, "b")]) == {1: "one", (5, "b"): "two"}
    assert client.delete_multi([1, (5, "b")], time=0) == 1  # `delete key 0`
    assert client.get_multi([1, (5, "b")]) == {}


def incr(client: Any) -> None:
    client.delete("n")
    assert client.incr("n") is None
    client.set("n", 9)
    assert client.incr("n") == 10
    assert client.incr("n", 5, noreply=True) is None
    assert client.get("n") == 15


def decr(client: Any) -> None:
    client.delete("n")
    assert client.decr("n") is None
    client.set("n", 10)
    assert client.decr("n") == 9
    assert client.decr("n", 5, noreply=True) is None
    assert client.decr("n", 100) == 0
    assert client.get("n") == 0


def touch(client: Any) -> None:
    client.delete("a")
    assert client.touch("a", 100) == 0
    client.set("a", "1", time=100)
    assert client.touch("a") == 1
    assert client.get("a") == "1"
    assert client.touch("a", -1, noreply=True) == 1
    assert client.get("a") is None


def flush_all(client: Any) -> None:
    client.set("a", "1")
    client.flush_all()
    assert client.get("a") is None


def get_stats(client: Any) -> None:
    client.set("a", "1")
    statistics = client.get_stats()
    assert len(statistics) == len(client.servers)
    host = client.servers[0]
    name, general = statistics[0]
    assert name == f"{host.ip}:{host.port} (1)"
    assert general["version"].startswith("1.6.")
    assert general["threads"] == "1"
    assert any("items:1:number" in items for _, items in client.get_stats("items"))
    assert all(settings["growth_factor"] == "1.25" for _, settings in client.get_stats("settings"))


def get_slab_stats(client: Any) -> None:
    client.set("a", "1")
    statistics = [slabs for _, slabs in client.get_slab_stats()]
    assert any(slabs["active_slabs"] != "0" for slabs in statistics)
    assert any(slabs["1"]["chunk_size"] == "96" for slabs in statistics if "1" in slabs)


def get_slabs(client: Any) -> None:
    """Fails with every server: it splits bytes by a str."""
    client.set("a", "1")
    with pytest.raises(TypeError):
        client.get_slabs()


def check_key(client: Any) -> None:
    client.check_key(b"k" * 250)
    for key, error in (
        (None, client.client.MemcachedKeyNoneError),
        ("", client.client.MemcachedKeyNoneError),
        ("text", client.client.MemcachedKeyTypeError),
        (b"k" * 251, client.client.MemcachedKeyLengthError),
        (b"two words", client.client.MemcachedKeyCharacterError),
        (b"nul\0", client.client.MemcachedKeyCharacterError),
    ):
        with pytest.raises(error):
            client.check_key(key)


def connections(client: Any) -> None:
    for end in (client.disconnect_all, client.quit_all, client.forget_dead_hosts):
        client.set("a", "1")
        end()
        assert client.get("a") == "1"


def set_servers(client: Any) -> None:
    servers = [f"inet:{host.ip}:{host.port}" for host in client.servers]
    client.disconnect_all()
    client.set_servers([(server, weight) for weight, server in enumerate(servers, 1)])
    values = {f"weighed-{number}": "1" for number in range(100)}
    assert client.set_multi(values) == []
    assert client.get_multi(values) == values


def debuglog(client: Any) -> None:
    client.debuglog("said to nobody: debug is 0")


EXERCISES: dict[str, Callable[[Any], None]] = {
    "add": add,
    "append": append,
    "cas": gets_and_cas,
    "check_key": check_key,
    "debuglog": debuglog,
    "decr": decr,
    "delete": delete,
    "delete_multi": many,
    "disconnect_all": connections,
    "flush_all": flush_all,
    "forget_dead_hosts": connections,
    "get": get,
    "get_multi": many,
    "get_slab_stats": get_slab_stats,
    "get_slabs": get_slabs,
    "get_stats": get_stats,
    "gets": gets_and_cas,
    "incr": incr,
    "prepend": prepend,
    "quit_all": connections,
    "replace": replace,
    "reset_cas": gets_and_cas,
    "set": set_,
    "set_multi": many,
    "set_servers": set_servers,
    "touch": touch,
}


@pytest.mark.parametrize("servers", [1, 3])
@pytest.mark.parametrize("method", public_methods(memcache.Client))
def test_every_method(method: str, servers: int, three_servers: list[Server]) -> None:
    with connected(*three_servers[:servers], cache_cas=True) as made:
        client = Recording(made)
        EXERCISES[method](client)
    assert method in client.called


def test_large_values(server: Server) -> None:
    with connected(server) as client:
        largest = b"x" * (1_048_517 - len("large"))
        assert client.set("large", largest)
        assert client.get("large") == largest
        assert not client.set("large", largest + b"x")  # the server refuses
        assert client.get("large") is None
        assert not client.set("large", b"x" * (1 << 20 | 1))  # the client does not send it
    with connected(server, server_max_value_length=0) as client:
        assert not client.set("large", b"x" * (4 << 20))
        assert client.set_multi({"small": "1", "large": b"x" * (4 << 20)}) == ["large"]
        assert client.get_multi(["small", "large"]) == {"small": "1"}


def test_numbers_that_are_none(server: Server) -> None:
    with connected(server) as client:
        client.set("word", "abc")
        with pytest.raises(ValueError, match="CLIENT_ERROR cannot increment or decrement non-numeric value"):
            client.incr("word")
        with pytest.raises(ValueError, match="CLIENT_ERROR invalid numeric delta argument"):
            client.decr("word", -1)
        assert client.get("word") == "abc"


def test_options_of_the_constructor(server: Server) -> None:
    def encoded(key: Any) -> Any:
        return key if isinstance(key, bytes) else key.replace(" ", "_")

    with connected(server, pickleProtocol=pickle.HIGHEST_PROTOCOL, key_encoder=encoded) as client:
        assert client.set("two words", {1, 2})
        assert client.get("two words") == client.get("two_words") == {1, 2}
    with connected(server, check_keys=False) as client:  # what the server says to a key that is too long
        assert not client.set("k" * 251, "1")
    with connected(server, server_max_key_length=10) as client, pytest.raises(client.MemcachedKeyLengthError):
        client.set("k" * 11, "1")


def test_a_server_that_restarts(kind: Kind) -> None:
    """Failures are misses, and a server that failed is dead for a while."""
    port = free_port()
    with ExitStack() as clients:
        with kind.running(port=port) as first:
            patient, eager = (clients.enter_context(connected(first, dead_retry=seconds)) for seconds in (600, 0))
            assert patient.set("a", "1")
            assert eager.get("a") == "1"
        with kind.running(port=port):
            assert eager.get("a") is None  # asked once more over a new connection
            assert eager.set("a", "2")
            assert patient.get("a") is None
            assert not patient.set("a", "3")
            patient.forget_dead_hosts()
            assert patient.get("a") == "2"


def test_flush_on_reconnect(kind: Kind) -> None:
    with kind.running() as server, connected(server, flush_on_reconnect=1) as client, connected(server) as other:
        assert client.set("a", "stale")
        client.servers[0].mark_dead("as after a failure")
        client.forget_dead_hosts()
        assert other.get("a") == "stale"
        assert client.get("a") is None
