"""The memory of the whole process, whatever clients do: 1.1 x -m + 45 MB + 4 KB for each open connection."""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.memcache_server.serving import Raw, serving, stats, stored
from tests.support.processes import Server
from tests.support.waiting import wait_until

MEMORY_MB = 64
VALUES = {b"100": 100, b"10k": 10_000, b"1m": 1_000_000}
HALF_SENT = b"set half 0 0 1000000\r\n" + b"v" * 500_000
UNREAD = {
    "100 bytes": b"get 100\r\n" * 2000,
    "10 KB": b"get 10k\r\n" * 30,
    "1 MB": b"get 1m\r\n" * 4,
    "many keys": b"get" + b" 10k" * 60 + b"\r\n",
    "many large keys": b"gets" + b" 1m" * 6 + b"\r\n",
    "many small keys": b"gat 0" + b" 100" * 5000 + b"\r\n",
    "meta": b"mg 1m v\r\nmg 10k v\r\nmg 100 v\r\n" * 4,
}
UNFINISHED = {
    "a value": HALF_SENT,
    "a small value": b"set small 0 0 10000\r\n" + b"v" * 5_000,
    "a meta value": b"ms half 700000 T60\r\n" + b"v" * 600_000,
    "an appended value": b"append 1m 0 0 40000\r\n" + b"v" * 39_000,
    "a line": b"get" + b" k" * 20_000,
    "a value too large": b"set large 0 0 3000000\r\n" + b"v" * 400_000,
}
MIX = [*UNREAD.values(), *UNFINISHED.values()]
CHURN_S = float(os.environ.get("CHURN_SECONDS", "600"))


def bound_mb(connections: int, memory_mb: int = MEMORY_MB) -> float:
    return 1.1 * memory_mb + 45 + connections * 4 / 1024


def peak_mb(pid: int) -> float:
    """The most that was ever resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def full_server(connections: int) -> Iterator[Server]:
    """A server whose memory is full of small items: the most that index and items can take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, connections + 1000)), hard))
    with serving("-m", str(MEMORY_MB), "-c", str(connections + 100)) as server:
        with Raw(server.address) as client:
            for start in range(0, 450_000, 5_000):
                numbers = range(start, start + 5_000)
                client.send(b"".join(b"set key-%d 0 0 60 noreply\r\n%060d\r\n" % (n, n) for n in numbers))
            assert client.ask(b"mn\r\n") == b"MN\r\n"
        for key, size in VALUES.items():
            stored(server.address, key, b"v" * size)
        yield server


def offer(client: Raw, data: bytes) -> bytes:
    """Send what the server takes now; what is left."""
    client.socket.setblocking(False)
    try:
        while data:
            data = data[client.socket.send(data) :]
    except BlockingIOError:
        return data
    except OSError:  # it was dropped
        return b""
    return b""


def offer_all(clients: list[Raw], requests: list[bytes]) -> None:
    """Each client sends one of the requests, as far as the server takes them."""
    left = [requests[number % len(requests)] for number in range(len(clients))]
    for _ in range(8):
        left = [data and offer(client, data) for client, data in zip(clients, left, strict=True)]


def answers(server: Server) -> bool:
    with Raw(server.address) as client:
        client.socket.settimeout(60)
        return client.ask(b"version\r\n").startswith(b"VERSION")


def misbehave(requests: list[bytes], number: int) -> None:
    """`number` clients that begin these requests and read nothing: within the bound, and nothing of it stays."""
    with full_server(number) as server, ExitStack() as stack:
        clients = [stack.enter_context(Raw(server.address, slow=True)) for _ in range(number)]
        offer_all(clients, requests)
        assert answers(server)
        offer_all(clients, requests)
        assert answers(server)
        assert peak_mb(server.pid) < bound_mb(number)
        for client in clients:
            client.reset()
        wait_until(lambda: stats(server.address)["curr_connections"] == "1", 20, "all are gone")
        for key, size in VALUES.items():
            stored(server.address, key, b"w" * size)
        assert peak_mb(server.pid) < bound_mb(number)
        with Raw(server.address) as client:
            assert client.ask(b"flush_all\r\n") == b"OK\r\n"
        wait_until(lambda: all_free(server), 20, "no chunk is in use")


def all_free(server: Server) -> bool:
    used = [int(number) for name, number in stats(server.address, "slabs").items() if name.endswith("used_chunks")]
    return sum(used) == 0


def test_a_mix_of_clients() -> None:
    misbehave(MIX, 260)


def test_half_sent_values() -> None:
    misbehave([HALF_SENT], 1000)


@pytest.mark.soak
@pytest.mark.parametrize("kind", UNREAD)
def test_unread_replies(kind: str) -> None:
    misbehave([UNREAD[kind]], 1000)


@pytest.mark.soak
@pytest.mark.parametrize("kind", UNFINISHED)
def test_unfinished_requests(kind: str) -> None:
    misbehave([UNFINISHED[kind]], 1000)


@pytest.mark.soak
def test_a_thousand_of_every_kind() -> None:
    misbehave(MIX, 1000)


@pytest.mark.soak
@pytest.mark.timeout(CHURN_S + 120)
def test_churn() -> None:
    """Clients come, store values of shifting sizes, misbehave, read a little, finish or go."""
    draw, until, clients = random.Random(3), time.monotonic() + CHURN_S, list[Raw]()
    with full_server(600) as server:
        try:
            while time.monotonic() < until:
                churn(server, draw, clients)
                assert peak_mb(server.pid) < bound_mb(len(clients))
            assert answers(server)
        finally:
            for client in clients:
                client.close()


def churn(server: Server, draw: random.Random, clients: list[Raw]) -> None:
    while len(clients) < 500:
        clients.append(Raw(server.address, slow=draw.random() < 0.5))
    scale = 10 ** (2 + time.monotonic() // 20 % 5)  # the sizes that are stored shift
    for client in draw.sample(clients, 100):
        size = int(scale * draw.random()) % 1_000_000
        match draw.randrange(6):
            case 0:
                offer(client, draw.choice(MIX))
            case 1 | 2:
                offer(client, b"set churn-%d 0 0 %d\r\n" % (draw.randrange(9999), size) + b"c" * size + b"\r\n")
            case 3:
                offer(client, b"get churn-%d\r\n" % draw.randrange(9999))
            case 4:
                read_some(client)
            case 5:
                clients.remove(client)
                client.reset()


def read_some(client: Raw) -> None:
    client.socket.setblocking(False)
    try:
        client.socket.recv(300_000)
    except OSError:
        pass
