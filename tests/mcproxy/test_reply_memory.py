"""The memory of a proxy whose clients ask for more than they read: gets of 10,000 large values, slow readers."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.processes import Address, Server, memcached_command, running

KEYS = 10_000
CLIENTS = 12
MEGABYTE = 1 << 20
RSS_MAX = 640 * MEGABYTE
"""All clients may have 256 MB; a reply is joined beside its values, and freed memory stays with the allocator."""

OUT_OF_MEMORY = b"SERVER_ERROR out of memory\r\n"

pytestmark = [pytest.mark.memcached, pytest.mark.soak]


class Rss:
    """The most that a process's resident memory was while the block ran."""

    def __init__(self, pid: int) -> None:
        self.most = 0
        self._path = Path(f"/proc/{pid}/statm")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def now(self) -> int:
        return int(self._path.read_text().split()[1]) * 4096

    def _watch(self) -> None:
        while not self._is_over.wait(0.005):
            self.most = max(self.most, self.now())

    def __enter__(self) -> Rss:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()


@contextmanager
def proxy_over_three(size: int, *words: str) -> Iterator[Server]:
    """A proxy, over servers that have 10,000 values of `size` bytes."""
    with ExitStack() as stack:
        servers = [stack.enter_context(running(lambda p: memcached_command(p, "-m", "1024"))) for _ in range(3)]
        command = [sys.executable, "-m", "mcproxy", "-t", "60000", *words]
        for server in servers:
            command += ["--upstream", f"127.0.0.1:{server.address[1]}"]
        proxy = stack.enter_context(running(lambda port: [*command, "--listen", f"127.0.0.1:{port}"]))
        with closing(socket.create_connection(proxy.address, 60)) as client:
            for number in range(KEYS):
                client.sendall(b"set key:%d 0 0 %d noreply\r\n%b\r\n" % (number, size, b"v" * size))
            client.sendall(b"get key:0\r\n")
            while not client.recv(MEGABYTE).endswith(b"END\r\n"):
                pass
        yield proxy


def ask_slowly(address: Address, pause_s: float, outcomes: Counter[str]) -> None:
    """One get of all keys, read 256 KB at a time."""
    with closing(socket.create_connection(address, 60)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.sendall(b"get %b\r\n" % b" ".join(b"key:%d" % number for number in range(KEYS)))
        tail = b""
        try:
            while not tail.endswith((b"END\r\n", OUT_OF_MEMORY)):
                data = client.recv(256 * 1024)
                if not data:
                    break
                tail = (tail + data)[-64:]
                time.sleep(pause_s)
        except OSError:
            tail = b""
        outcomes["whole" if tail.endswith(b"END\r\n") else "refused" if tail else "dropped"] += 1


@pytest.mark.parametrize(("size", "expected"), [(5_000, "whole"), (20_000, "refused"), (100_000, "refused")])
@pytest.mark.parametrize("words", [(), ("--single-flight",)], ids=["plain", "single-flight"])
@pytest.mark.timeout(300)
def test_memory_stays_within_the_bounds(size: int, expected: str, words: tuple[str, ...]) -> None:
    outcomes: Counter[str] = Counter()
    with proxy_over_three(size, "--client-timeout", "0", *words) as proxy, Rss(proxy.pid) as rss:
        before = rss.now()
        clients = [threading.Thread(target=ask_slowly, args=(proxy.address, 0.02, outcomes)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        print(f"{size} B: {dict(outcomes)}, RSS {before >> 20} MB before, {rss.most >> 20} MB at most")
        with closing(socket.create_connection(proxy.address, 60)) as another:
            another.sendall(b"get nothing\r\n")
            assert another.recv(100) == b"END\r\n"
    assert sum(outcomes.values()) == CLIENTS
    assert outcomes[expected]
    assert rss.most - before < RSS_MAX
