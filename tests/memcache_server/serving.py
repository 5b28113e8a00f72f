"""Servers of our own as processes, and raw sockets to misbehave with."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import LOOPBACK, Address, Server, running

PATIENCE_S = 20.0
MEMCACHE_SERVER = [sys.executable, "-m", "memcache_server"]
USER = ["-u", "nobody"]  # keeps the warning about root away


@contextmanager
def serving(*options: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server with these options on a free loopback port."""
    with running(lambda port: [*MEMCACHE_SERVER, "-l", LOOPBACK, "-p", str(port), *USER, *options], env=env) as server:
        yield server


class Raw:
    """A socket that sends what it is told. `slow`: a small receive buffer, for one that will not read."""

    def __init__(self, address: Address | str, slow: bool = False) -> None:
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if slow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_S)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise

    def send(self, data: bytes) -> Raw:
        self.socket.sendall(data)
        return self

    def end(self) -> Raw:
        """Half-close, as `printf ... | nc` does."""
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def read_until(self, end: bytes) -> bytes:
        """What comes up to `end`, or up to the peer's close."""
        got = bytearray()
        while not got.endswith(end):
            data = self.socket.recv(1 << 20)
            if not data:
                break
            got += data
        return bytes(got)

    def read_all(self) -> bytes:
        """Everything until the peer closes; a reset counts as a close."""
        got = bytearray()
        try:
            while data := self.socket.recv(1 << 20):
                got += data
        except ConnectionResetError:
            pass
        return bytes(got)

    def read_all_or(self, end: bytes) -> bytes:
        """What comes up to `end`, or until the peer closes; a reset counts as a close."""
        got = bytearray()
        try:
            while not got.endswith(end) and (data := self.socket.recv(1 << 16)):
                got += data
        except ConnectionResetError:
            pass
        return bytes(got)

    def ask(self, request: bytes, end: bytes = b"\r\n") -> bytes:
        return self.send(request).read_until(end)

    def reset(self) -> None:
        """Close with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def stats(address: Address | str, group: str = "") -> dict[str, str]:
    """The answer to `stats`."""
    with Raw(address) as client:
        lines = client.ask(f"stats {group}".strip().encode() + b"\r\n", b"END\r\n").decode().split("\r\n")[:-2]
    return dict(line.removeprefix("STAT ").split(" ", 1) for line in lines)


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def stored(address: Address, key: bytes, value: bytes) -> None:
    """Set an item."""
    with Raw(address) as client:
        assert client.ask(b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value)) == b"STORED\r\n"
