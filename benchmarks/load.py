"""A closed loop over raw sockets: replies are counted by length, and a wrong length stops the run."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from benchmarks.process import cpu_seconds
from benchmarks.workloads import Workload, key

_WARM_UP_S = 0.4
_STALLED_S = 5
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Sample:
    """One round of one contender."""

    cpu_us: float  # for one operation
    operations_per_s: float


class _Client:
    __slots__ = ("missing", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.missing = 0  # bytes of the reply still to come


def preload(port: int, workload: Workload) -> None:
    """Store the keys that the workload reads."""
    value = b"x" * workload.value_size
    step = max(1, min(500, 400_000 // (workload.value_size + 40)))
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.settimeout(30)
        for first in range(0, workload.keys, step):
            numbers = range(first, min(first + step, workload.keys))
            client.sendall(b"".join(b"set %b 0 0 %d\r\n%b\r\n" % (key(n), len(value), value) for n in numbers))
            _receive(client, 8 * len(numbers))


def _receive(client: socket.socket, missing: int) -> None:
    while missing:
        data = client.recv(_CHUNK)
        if not data:
            raise RuntimeError("closed by the server")
        missing -= len(data)


def run(port: int, pid: int, workload: Workload, seconds: float) -> Sample:
    """Keep every connection busy for `seconds` after a warm-up; the tree of `pid` pays."""
    with _clients(port, workload.connections) as (clients, poll):
        turn = _requests(workload)
        for client in clients.values():
            _send(client, *next(turn))
        done, started, cpu = 0, 0.0, 0.0
        warm, end = time.monotonic() + _WARM_UP_S, 0.0
        while not end or time.monotonic() < end:
            if not end and time.monotonic() >= warm:
                cpu, started, done = cpu_seconds(pid), time.monotonic(), 0
                end = started + seconds
            ready = poll.poll(_STALLED_S)
            if not ready:
                raise RuntimeError(f"no reply for {_STALLED_S} s: {workload.name}")
            for descriptor, _ in ready:
                done += _advance(clients[descriptor], turn)
        operations = done * workload.operations
        spent = cpu_seconds(pid) - cpu
        return Sample(spent / operations * 1e6, operations / (time.monotonic() - started))


@contextmanager
def _clients(port: int, count: int) -> Iterator[tuple[dict[int, _Client], select.epoll]]:
    clients: dict[int, _Client] = {}
    with select.epoll() as poll:
        try:
            for _ in range(count):
                client = _Client(port)
                clients[client.socket.fileno()] = client
                poll.register(client.socket, select.EPOLLIN)
            yield clients, poll
        finally:
            for client in clients.values():
                client.socket.close()


def _requests(workload: Workload) -> Iterator[tuple[bytes, int]]:
    while True:
        yield from zip(workload.requests, workload.replies, strict=True)


def _send(client: _Client, request: bytes, reply: int) -> None:
    client.missing = reply
    sent = 0
    while sent < len(request):
        with suppress(BlockingIOError):
            sent += client.socket.send(request[sent:] if sent else request)
        if sent < len(request):
            select.select([], [client.socket], [], 1)


def _advance(client: _Client, turn: Iterator[tuple[bytes, int]]) -> int:
    """Read; when the reply is whole, send the next request and return 1."""
    try:
        data = client.socket.recv(_CHUNK)
    except BlockingIOError:
        return 0
    client.missing -= len(data)
    if not data:
        raise RuntimeError("closed by the server")
    if client.missing < 0:
        raise RuntimeError(f"a reply longer than expected: {data[-80:]!r}")
    if client.missing:
        return 0
    _send(client, *next(turn))
    return 1
