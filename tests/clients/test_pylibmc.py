"""pylibmc, that is libmemcached: every method of its Client and pools, every behaviour, what it raises."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pylibmc
import pylibmc.consts
import pytest

from tests.clients.conftest import Kind
from tests.clients.recording import Recording, public_methods
from tests.support.processes import Server, free_port
from tests.support.waiting import wait_until


def connected(*servers: Server, **behaviors: Any) -> Any:
    """A client of these servers with these behaviours; it ends when nobody holds it."""
    return pylibmc.Client(["{}:{}".format(*server.address) for server in servers], behaviors=behaviors)


def set_(client: Any) -> None:
    for value in (b"bytes", "tëxt", 42, -1, 1 << 70, True, None, 1.5, {"a": [1, 2]}, "", b"\r\nEND\r\n"):
        assert client.set("a", value) is True
        assert client.get("a") == value
    assert client.set(b"a", "1", time=100) is True
    assert client.set("a", "x" * 10_000, min_compress_len=100, compress_level=9) is True
    assert client.get("a") == "x" * 10_000
    assert client.set("a", "gone", time=1) is True
    assert client.set("schlüssel", "1") is True
    assert client.get("schlüssel") == "1"


def get(client: Any) -> None:
    client.delete("absent")
    assert client.get("absent") is None
    assert client.get("absent", "default") == "default"
    client.set("a", "1")
    assert client.get("a", "default") == "1"


def add(client: Any) -> None:
    client.delete("a")
    assert client.add("a", "1", time=100) is True
    assert client.add("a", "2") is False
    assert client.get("a") == "1"


def replace(client: Any) -> None:
    client.delete("a")
    assert client.replace("a", "1") is False
    client.set("a", "1")
    assert client.replace("a", "2") is True
    assert client.get("a") == "2"


def append_and_prepend(client: Any) -> None:
    client.delete("a")
    assert client.append("a", "x") is False
    assert client.prepend("a", "x") is False
    client.set("a", "1")
    assert client.append("a", "2") is True
    assert client.prepend("a", "0") is True
    assert client.get("a") == "012"


def gets_and_cas(client: Any) -> None:
    client.delete("a")
    assert client.gets("a") == (None, None)
    client.set("a", "1")
    value, unique = client.gets("a")
    assert value == "1"
    assert client.cas("a", "2", unique, time=100) is True
    assert client.cas("a", "3", unique) is False
    assert client.get("a") == "2"
    client.delete("a")
    with pytest.raises(pylibmc.NotFound):
        client.cas("a", "4", unique)


def delete(client: Any) -> None:
    client.set("a", "1")
    assert client.delete("a") is True
    assert client.delete("a") is False


def many(client: Any) -> None:
    values = {f"many-{number}": number for number in range(200)}
    assert client.set_multi(values, time=100, key_prefix="p:") == []
    assert client.get_multi([*values, "absent"], key_prefix="p:") == values
    assert client.get("p:many-1") == 1
    assert client.delete_multi(list(values), key_prefix="p:") is True
    assert client.delete_multi(["many-1"], key_prefix="p:") is False
    assert client.get_multi([f"p:{key}" for key in values]) == {}
    client.set("many-1", "taken")
    assert client.add_multi({"many-1": 1, "many-2": 2}) == ["many-1"]
    assert client.get_multi(["many-1", "many-2"]) == {"many-1": "taken", "many-2": 2}
    client.delete_multi(["many-1", "many-2"])


def numbers(client: Any) -> None:
    client.delete("n")
    for change in (client.incr, client.decr):
        with pytest.raises(pylibmc.NotFound):
            change("n")
    client.set_multi({"n": 9, "m": 1})
    assert client.incr("n") == 10
    assert client.incr("n", 5) == 15
    assert client.get("n") == 15
    assert client.decr("n", 5) == 10
    assert client.decr("n", 100) == 0
    client.incr_multi(["n", "m"], delta=3)
    assert client.get_multi(["n", "m"]) == {"n": 3, "m": 4}
    with pytest.raises(pylibmc.NotFound):
        client.incr_multi(["n", "absent"], key_prefix="not:")


def touch(client: Any) -> None:
    client.delete("a")
    assert client.touch("a", 100) is False
    client.set("a", "1", time=100)
    assert client.touch("a", 0) is True
    assert client.get("a") == "1"


def get_stats(client: Any) -> None:
    client.set("a", "1")
    statistics = client.get_stats()
    assert [name.decode() for name, _ in statistics] == [
        f"{address} ({place})" for place, address in enumerate(client.client.addresses)
    ]
    assert all(general["version"].startswith(b"1.6.") for _, general in statistics)
    assert sum(int(general["curr_items"]) for _, general in statistics) >= 1
    assert statistics[0][1]["limit_maxbytes"] == b"%d" % (256 << 20)
    for group in ("items", "slabs", "settings"):  # it keeps the general names only, but reads to the end
        assert len(client.get_stats(group)) == len(statistics)
    assert client.get("a") == "1"


def flush_all(client: Any) -> None:
    client.set("a", "1")
    assert client.flush_all() is True
    assert client.get("a") is None


def connections(client: Any) -> None:
    client.set("a", "1")
    client.disconnect_all()
    assert client.get("a") == "1"
    assert client.clone().get("a") == "1"


def behaviors(client: Any) -> None:
    assert client.behaviors["tcp_nodelay"] == 0
    client.behaviors = {"tcp_nodelay": True}
    client.set_behaviors({"ketama": True})
    assert client.get_behaviors()["distribution"] == "consistent ketama"
    assert client.behaviors["tcp_nodelay"] == 1
    client.set("a", "1")
    assert client.get("a") == "1"
    with pytest.raises(AttributeError):
        _ = client.behaviours
    client.called.add("behaviours")


def without_server(client: Any) -> None:
    assert client.deserialize(*client.serialize({"a": 1})) == {"a": 1}
    assert client.hash("a") == client.hash("a")


def subscript(client: Any) -> None:
    client["a"] = "1"
    assert client["a"] == "1"
    assert "a" in client
    del client["a"]
    assert "a" not in client
    for fails in (lambda: client["a"], lambda: client.__delitem__("a")):
        with pytest.raises(KeyError):
            fails()


EXERCISES: dict[str, Callable[[Any], None]] = {
    "__contains__": subscript,
    "__delitem__": subscript,
    "__getitem__": subscript,
    "__setitem__": subscript,
    "add": add,
    "add_multi": many,
    "append": append_and_prepend,
    "behaviors": behaviors,
    "behaviours": behaviors,
    "cas": gets_and_cas,
    "clone": connections,
    "decr": numbers,
    "delete": delete,
    "delete_multi": many,
    "deserialize": without_server,
    "disconnect_all": connections,
    "flush_all": flush_all,
    "get": get,
    "get_behaviors": behaviors,
    "get_multi": many,
    "get_stats": get_stats,
    "gets": gets_and_cas,
    "hash": without_server,
    "incr": numbers,
    "incr_multi": numbers,
    "prepend": append_and_prepend,
    "replace": replace,
    "serialize": without_server,
    "set": set_,
    "set_behaviors": behaviors,
    "set_multi": many,
    "touch": touch,
}

# Each behaviour of libmemcached that pylibmc knows, and the values tried beside its default.
BEHAVIORS: dict[str, tuple[Any, ...]] = {
    "_hash_with_prefix_key": (True,),
    "_io_bytes_watermark": (1000,),
    "_io_key_prefetch": (10,),
    "_io_msg_watermark": (10,),
    "_noreply": (True,),
    "_poll_timeout": (10_000,),
    "_socket_recv_size": (1 << 16,),
    "_socket_send_size": (1 << 16,),
    "_sort_hosts": (True,),
    "auto_eject": (True,),
    "buffer_requests": (False,),  # True: each set raises that its action is queued, with any server
    "cas": (True,),
    "connect_timeout": (10_000,),
    "dead_timeout": (10,),
    "distribution": ("modula", "consistent", "consistent ketama"),
    "failure_limit": (3,),
    "hash": ("default", "md5", "crc", "fnv1_64", "fnv1a_64", "fnv1_32", "fnv1a_32", "murmur"),
    "ketama": (True,),
    "ketama_hash": ("md5", "crc", "fnv1a_32"),
    "ketama_weighted": (True,),
    "no_block": (True,),
    "num_replicas": (0,),  # more need the binary protocol
    "pickle_protocol": (2,),
    "receive_timeout": (10_000_000,),
    "remove_failed": (3,),
    "retry_timeout": (1,),
    "send_timeout": (10_000_000,),
    "tcp_keepalive": (True,),
    "tcp_nodelay": (True,),
    "verify_keys": (True,),
}


@pytest.mark.parametrize("servers", [1, 3])
@pytest.mark.parametrize("method", public_methods(pylibmc.Client))
def test_every_method(method: str, servers: int, three_servers: list[Server]) -> None:
    client = Recording(connected(*three_servers[:servers], cas=True))
    EXERCISES[method](client)
    assert method in client.called


def test_every_behaviour_has_a_value() -> None:
    assert set(BEHAVIORS) == set(pylibmc.consts.all_behaviors)


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in pylibmc.consts.all_behaviors for value in BEHAVIORS.get(name, ())],
)
def test_every_behaviour(name: str, value: Any, three_servers: list[Server]) -> None:
    client = connected(*three_servers, **{name: value})
    values = {f"{name}-{number}": {"number": number} for number in range(100)}
    client.set_multi(values)
    for number in range(100):
        client.set(f"{name}-one-{number}", number)
    assert client.get_multi(list(values)) == values
    assert [client.get(f"{name}-one-{number}") for number in range(100)] == list(range(100))
    client.delete_multi(list(values))
    assert client.get_multi(list(values)) == {}


def test_ketama_places_keys_as_other_clients_of_it_do(three_servers: list[Server]) -> None:
    """Whichever client of the same ring stores a key, each finds it, and all servers have some."""
    storing, finding = (connected(*three_servers, ketama=True, tcp_nodelay=True, no_block=True) for _ in range(2))
    values = {f"ring-{number}": number for number in range(300)}
    assert storing.set_multi(values) == []
    assert finding.get_multi(list(values)) == values
    counts = [len(connected(server).get_multi(list(values))) for server in three_servers]
    assert sum(counts) == 300
    assert min(counts) > 20


def test_large_values(server: Server) -> None:
    client = connected(server)
    largest = b"x" * (1_048_517 - len("large"))
    assert client.set("large", largest) is True
    assert client.get("large") == largest
    with pytest.raises(pylibmc.TooBig):
        client.set("large", largest + b"x" * 10)
    assert client.get("large") is None
    assert client.set("large", largest + b"x" * 10, min_compress_len=100) is True


def test_what_it_raises(server: Server) -> None:
    client = connected(server)
    client.set("word", b"abc")
    for change in (client.incr, client.decr):
        with pytest.raises(pylibmc.ClientError):
            change("word")
    with pytest.raises(ValueError, match="too long"):
        client.get("k" * 251)
    with pytest.raises(pylibmc.BadKeyProvided):
        connected(server, verify_keys=True).get("two words")
    with pytest.raises(pylibmc.ClientError):  # the server reads the second word as flags
        connected(server).set("two words", "1")
    with pytest.raises(ValueError, match="cas behavior"):
        client.gets("word")
    assert client.get("word") == b"abc"


def test_a_server_that_restarts(kind: Kind) -> None:
    port = free_port()
    with kind.running(port=port) as first:
        client = connected(first, retry_timeout=1)
        assert client.set("a", "1") is True
    assert not stores(client)
    with kind.running(port=port):
        wait_until(lambda: stores(client), 10, "the retry of the server that failed")
        assert client.get("a") == "2"


def stores(client: Any) -> bool:
    """Whether the client takes its server to be there."""
    try:
        return bool(client.set("a", "2"))
    except pylibmc.Error:
        return False


def test_a_pool_of_clients(server: Server) -> None:
    pool = pylibmc.ClientPool()
    pool.fill(connected(server), 4)
    with pool.reserve() as client:
        client.set("counter", 0)

    def count() -> None:
        for _ in range(100):
            with pool.reserve(block=True) as client:
                client.incr("counter")

    run_in_threads(count, 8)
    with pool.reserve() as client:
        assert client.get("counter") == 800


def test_a_client_for_each_thread(server: Server) -> None:
    pool = pylibmc.ThreadMappedPool(connected(server))
    with pool.reserve() as client:
        client.set("counter", 0)

    def count() -> None:
        for _ in range(100):
            with pool.reserve() as client:
                client.incr("counter")
        pool.relinquish()

    run_in_threads(count, 4)
    with pool.reserve() as client:
        assert client.get("counter") == 400


def run_in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_binary_protocol_is_refused_at_once(kind: Kind, server: Server) -> None:
    client = pylibmc.Client(["{}:{}".format(*server.address)], binary=True)
    if not kind.ours:
        assert client.set("a", "1") is True
        return
    with pytest.raises(pylibmc.Error):
        client.set("a", "1")
    assert connected(server).set("a", "1") is True
