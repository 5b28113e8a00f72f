"""Keys that another client or proxy has stored, looked for through the proxy."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.support.processes import LOOPBACK, Address, memcached_command, running

SERVERS = 5
VALUE = b"x"
_PER_GET = 100
_GETS = 20  # under way at a time


def fleet_command(port: int) -> list[str]:
    """One of the real servers behind it all; gigabytes are not needed for one-byte values."""
    return memcached_command(port, "-m", "128")


def keys_of(name: str, count: int) -> list[bytes]:
    """Keys of 10 to 70 bytes that no other name has."""
    return [b"%b:%d:%b" % (name.encode(), number, b"k" * (number * 7 % 50)) for number in range(count)]


def stored_without_reply(key: bytes) -> bytes:
    """A request for which nobody waits."""
    return b"set %b 0 0 1 noreply\r\n%b\r\n" % (key, VALUE)


def misplaced(config: Mapping[str, Any], scratch: Path, keys: Sequence[bytes]) -> list[bytes]:
    """Those of the keys that a proxy with this configuration does not find."""
    path = scratch / "mcproxy.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "mcproxy", "--config", str(path), "-t", "30000", "--client-timeout", "0"]
    with running(lambda port: [*command, "--listen", f"{LOOPBACK}:{port}"]) as proxy:
        return [key for batch in _batches(keys, _PER_GET * _GETS) for key in _not_found(proxy.address, batch)]


def pool_config(addresses: Sequence[Address], hash_: object, **fields: Any) -> dict[str, Any]:
    """One pool of these servers."""
    servers = [f"{host}:{port}" for host, port in addresses]
    return {"pools": {"A": {"servers": servers, **fields}}, "route": {"type": "PoolRoute", "pool": "A", "hash": hash_}}


def _not_found(address: Address, keys: Sequence[bytes]) -> list[bytes]:
    gets = _batches(keys, _PER_GET)
    expected = [b"".join(b"VALUE %b 0 1\r\n%b\r\n" % (key, VALUE) for key in get) + b"END\r\n" for get in gets]
    with closing(socket.create_connection(address, 30)) as client:
        client.sendall(b"".join(b"get %b\r\n" % b" ".join(get) for get in gets))
        client.shutdown(socket.SHUT_WR)
        reply = b"".join(iter(lambda: client.recv(1 << 20), b""))
    if reply == b"".join(expected):
        return []
    assert reply.count(b"END\r\n") == len(gets), reply[-200:]
    found = {line.split(b" ")[1] for line in reply.split(b"\r\n") if line.startswith(b"VALUE ")}
    return [key for key in keys if key not in found]


def _batches(keys: Sequence[bytes], size: int) -> list[Sequence[bytes]]:
    return [keys[at : at + size] for at in range(0, len(keys), size)]
