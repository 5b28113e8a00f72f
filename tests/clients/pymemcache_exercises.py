"""Exercises of pymemcache's methods: method -> what it must do, for every class of client that has it.

Each gets a client of any class with the key prefix `pymemcache:`, and leaves nothing behind that another minds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheIllegalInputError, MemcacheServerError, MemcacheUnknownCommandError


def set_(client: Any) -> None:
    assert client.set("a", "1", noreply=False) is True
    assert client.get("a") == b"1"
    assert client.set("a", b"2", expire=100, noreply=True, flags=3) is True
    assert client.get("a") == b"2"
    assert client.set("a", "3", expire=-1) is True
    assert client.get("a") is None


def get(client: Any) -> None:
    client.delete("absent", noreply=False)
    assert client.get("absent") is None
    assert client.get("absent", "default") == "default"
    client.set("a", b"\r\nEND\r\n", noreply=False)
    assert client.get("a", default="default") == b"\r\nEND\r\n"


def set_many(client: Any) -> None:
    values = {f"many-{number}": b"%d" % number for number in range(100)}
    for method in (client.set_many, client.set_multi):
        for noreply in (False, True):
            client.delete_many(values, noreply=False)
            assert method(values, noreply=noreply) == []
            assert client.get_many(values) == values
    client.set_many(values, expire=-1, noreply=False)
    assert client.get_many(values) == {}


def get_many(client: Any) -> None:
    client.set_many({"a": "1", "b": "2"}, noreply=False)
    client.delete("absent", noreply=False)
    for method in (client.get_many, client.get_multi):
        assert method(["a", "absent", "b"]) == {"a": b"1", "b": b"2"}
        assert method(["absent"]) == {}
        assert method([]) == {}


def gets(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.gets("a") == (None, None)
    client.set("a", "1", noreply=False)
    value, first = client.gets("a")
    assert value == b"1"
    client.set("a", "1", noreply=False)
    assert int(client.gets("a")[1]) > int(first)


def gets_many(client: Any) -> None:
    client.set_many({"a": "1", "b": "2"}, noreply=False)
    client.delete("absent", noreply=False)
    found = client.gets_many(["a", "b", "absent"])
    assert {key: value for key, (value, _) in found.items()} == {"a": b"1", "b": b"2"}
    assert found["a"] == client.gets("a")


def gets_multi(client: Any) -> None:
    client.set("a", "1", noreply=False)
    assert client.gets_multi(["a"]) == client.gets_many(["a"])


def add(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.add("a", "1", noreply=False) is True
    assert client.add("a", "2", noreply=False) is False
    assert client.add("a", "3", noreply=True) is True
    assert client.get("a") == b"1"


def replace(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.replace("a", "1", noreply=False) is False
    assert client.replace("a", "1", noreply=True) is True
    assert client.get("a") is None
    client.set("a", "1", noreply=False)
    assert client.replace("a", "2", noreply=False) is True
    assert client.replace("a", "3", noreply=True) is True
    assert client.get("a") == b"3"


def append(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.append("a", "x", noreply=False) is False
    client.set("a", "1", noreply=False)
    assert client.append("a", "2", noreply=False) is True
    assert client.append("a", "3", noreply=True) is True
    assert client.get("a") == b"123"


def prepend(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.prepend("a", "x", noreply=False) is False
    client.set("a", "1", noreply=False)
    assert client.prepend("a", "2", noreply=False) is True
    assert client.prepend("a", "3", noreply=True) is True
    assert client.get("a") == b"321"


def cas(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.cas("a", "x", b"1") is None
    client.set("a", "1", noreply=False)
    unique = client.gets("a")[1]
    assert client.cas("a", "2", unique) is True
    assert client.cas("a", "3", unique) is False
    assert client.cas("a", "3", int(unique), noreply=True) is True
    assert client.get("a") == b"2"
    assert client.cas("a", "4", client.gets("a")[1], noreply=True) is True
    assert client.get("a") == b"4"


def delete(client: Any) -> None:
    client.set("a", "1", noreply=False)
    assert client.delete("a", noreply=False) is True
    assert client.delete("a", noreply=False) is False
    client.set("a", "1", noreply=False)
    assert client.delete("a", noreply=True) is True
    assert client.get("a") is None


def delete_many(client: Any) -> None:
    for method in (client.delete_many, client.delete_multi):
        for noreply in (False, True):
            client.set_many({"a": "1", "b": "2", "c": "3"}, noreply=False)
            assert method(["a", "b", "absent"], noreply=noreply) is True
            assert client.get_many(["a", "b", "c"]) == {"c": b"3"}


def incr(client: Any) -> None:
    client.delete("n", noreply=False)
    assert client.incr("n", 1) is None
    client.set("n", "9", noreply=False)
    assert client.incr("n", 1) == 10
    assert client.incr("n", 5, noreply=True) is None
    assert client.get("n") == b"15"
    client.set("n", str(2**64 - 1), noreply=False)
    assert client.incr("n", 2) == 1


def decr(client: Any) -> None:
    client.delete("n", noreply=False)
    assert client.decr("n", 1) is None
    client.set("n", "10", noreply=False)
    assert client.decr("n", 1) == 9
    assert client.get("n") == b"9 "  # the value keeps its length
    assert client.decr("n", 5, noreply=True) is None
    assert client.decr("n", 100) == 0


def touch(client: Any) -> None:
    client.delete("a", noreply=False)
    assert client.touch("a", 100, noreply=False) is False
    client.set("a", "1", expire=100, noreply=False)
    assert client.touch("a", noreply=False) is True
    assert client.get("a") == b"1"
    assert client.touch("a", -1, noreply=True) is True
    assert client.get("a") is None


def stats(client: Any) -> None:
    client.set("a", "1", noreply=False)
    general = client.stats()
    assert general[b"curr_items"] >= 1
    assert general[b"limit_maxbytes"] == 256 << 20
    assert general[b"rusage_user"] > 0
    assert client.stats("settings")[b"growth_factor"] == 1.25
    assert client.stats("settings")[b"umask"] == 0o700
    assert client.stats("items")[b"items:1:number"] >= 1
    assert client.stats("slabs")[b"1:chunk_size"] == 96
    assert client.stats("sizes")
    assert client.stats("detail", "on") == {}
    assert client.stats("detail", "off") == {}
    assert isinstance(client.stats("cachedump", "1", "10"), dict)
    assert set(client.stats("conns")) != set()


def cache_memlimit(client: Any) -> None:
    assert client.cache_memlimit(300) is True
    assert client.stats()[b"limit_maxbytes"] == 300 << 20
    assert client.cache_memlimit(256) is True
    assert client.stats()[b"limit_maxbytes"] == 256 << 20


def version(client: Any) -> None:
    assert client.version().startswith(b"1.6.")


def raw_command(client: Any) -> None:
    client.set("a", "1", noreply=False)
    assert client.raw_command("version").startswith(b"VERSION 1.6.")
    assert client.raw_command(b"gat 100 pymemcache:a", b"END\r\n") == b"VALUE pymemcache:a 0 1\r\n1\r\n"
    assert client.raw_command("gats 100 pymemcache:a", "END\r\n").startswith(b"VALUE pymemcache:a 0 1 ")
    assert client.raw_command("mg pymemcache:a t v\r\nmn", "MN\r\n") == b"VA 1 t100\r\n1\r\n"
    assert client.raw_command("verbosity 0") == b"OK"


def flush_all(client: Any) -> None:
    for noreply in (False, True):
        client.set("a", "1", noreply=False)
        assert client.flush_all(noreply=noreply) in (True, None)  # None: of several servers
        assert client.get("a") is None
    client.set("a", "1", noreply=False)
    assert client.get("a") == b"1"


def quit_(client: Any) -> None:
    client.set("a", "1", noreply=False)
    client.quit()
    assert client.get("a") == b"1"


def shutdown(client: Any) -> None:
    for graceful in (False, True):
        with pytest.raises((MemcacheServerError, MemcacheUnknownCommandError)):  # ERROR: until 1.6.18
            client.shutdown(graceful)
    assert client.version()


def close(client: Any) -> None:
    for method in (client.close, client.disconnect_all):
        client.set("a", "1", noreply=False)
        method()
        assert client.get("a") == b"1"


def check_key(client: Any) -> None:
    inner = getattr(client.client, "_client", client.client)
    prefix = (b"pre:",) if isinstance(inner, Client) else ()  # a pool has its own
    assert client.check_key("a", *prefix) == (b"pre:a" if prefix else b"pymemcache:a")
    for key in ("k" * 251, "a b", "ü"):
        with pytest.raises(MemcacheIllegalInputError):
            client.check_key(key, *prefix)


def subscript(client: Any) -> None:
    client["a"] = "1"
    assert client["a"] == b"1"
    del client["a"]
    with pytest.raises(KeyError):
        client["a"]


def add_server(client: Any) -> None:
    host, port = next(iter(client.clients.values())).server
    count = len(client.clients)
    client.add_server((host, port))
    client.add_server(host, port)
    assert len(client.clients) == count
    client.set("a", "1", noreply=False)
    assert client.get("a") == b"1"


def remove_server(client: Any) -> None:
    server = next(iter(client.clients.values())).server
    client._failed_clients[server] = {}  # only what failed may be taken out
    client.remove_server(*server)
    values = {f"left-{number}": b"1" for number in range(100)}
    assert client.set_many(values, noreply=False) == []
    assert client.get_many(values) == values
    assert client.clients["{}:{}".format(*server)].get_many(values) == {}


EXERCISES: dict[str, Callable[[Any], None]] = {
    "__delitem__": subscript,
    "__getitem__": subscript,
    "__setitem__": subscript,
    "add": add,
    "add_server": add_server,
    "append": append,
    "cache_memlimit": cache_memlimit,
    "cas": cas,
    "check_key": check_key,
    "close": close,
    "decr": decr,
    "delete": delete,
    "delete_many": delete_many,
    "delete_multi": delete_many,
    "disconnect_all": close,
    "flush_all": flush_all,
    "get": get,
    "get_many": get_many,
    "get_multi": get_many,
    "gets": gets,
    "gets_many": gets_many,
    "gets_multi": gets_multi,
    "incr": incr,
    "prepend": prepend,
    "quit": quit_,
    "raw_command": raw_command,
    "remove_server": remove_server,
    "replace": replace,
    "set": set_,
    "set_many": set_many,
    "set_multi": set_many,
    "shutdown": shutdown,
    "stats": stats,
    "touch": touch,
    "version": version,
}
