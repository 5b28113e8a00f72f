"""Latency under growth: one connection fills the server from nothing, another one pings it all the time.

A ping is a get of one stored key. Pings go out by the clock, whether the last one was answered or not, so that one long
stall is seen by every ping that falls into it.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import connect, quantile, receive
from benchmarks.workloads import set_request

_BATCH = 50  # sets in one write; the next one when all are answered
_INTERVAL_S = 0.0005
_PING = b"get ping\r\n"
_PONG = b"VALUE ping 0 4\r\npong\r\nEND\r\n"
_CHUNK = 1 << 20
_SHOWN = 50_000  # items


@dataclass(frozen=True)
class Growth:
    """What the pings saw, in milliseconds."""

    pings: int
    p50_ms: float
    p999_ms: float
    longest_ms: float
    fill_s: float


def fill(port: int, items: int, size: int, show: Callable[[str], None] = lambda _: None) -> Growth:
    """Store so many items with values of so many bytes, one batch after the other."""
    with connect(port) as pinging, connect(port) as filling, select.epoll() as poll:
        pinging.sendall(b"set ping 0 0 4\r\npong\r\n")
        receive(pinging, len(b"STORED\r\n"))
        for client in (pinging, filling):
            poll.register(client, select.EPOLLIN)
        pings = _Pings(pinging)
        started, stored, missing, batch = time.perf_counter(), 0, 0, _batch(0, items, size)
        while stored < items or missing:
            if not missing:
                filling.sendall(batch)
                stored, missing = stored + _BATCH, 8 * min(_BATCH, items - stored)
                batch = _batch(stored, items, size)
                if stored % _SHOWN == 0:
                    show(f"{stored:,} of {items:,} items")
            pings.send_due(time.perf_counter())
            ready = poll.poll(0)
            now = time.perf_counter()
            for descriptor, _ in ready:
                if descriptor == pinging.fileno():
                    pings.answered(now)
                else:
                    missing -= len(filling.recv(_CHUNK))
        took = time.perf_counter() - started
    ordered = sorted(pings.latencies)
    p50, p999 = quantile(ordered, 0.5), quantile(ordered, 0.999)
    return Growth(len(ordered), p50 * 1e3, p999 * 1e3, ordered[-1] * 1e3, took)


def _batch(first: int, items: int, size: int) -> bytes:
    return b"".join([set_request(number, size) for number in range(first, min(first + _BATCH, items))])


class _Pings:
    """Sent by the clock, answered in order."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._due = time.perf_counter()
        self._sent: deque[float] = deque()
        self._received = 0
        self.latencies: list[float] = []

    def send_due(self, now: float) -> None:
        if now >= self._due:
            self._due = now + _INTERVAL_S
            self._sent.append(time.perf_counter())
            self._client.sendall(_PING)

    def answered(self, now: float) -> None:
        self._received += len(self._client.recv(_CHUNK))
        while self._received >= len(_PONG):
            self._received -= len(_PONG)
            self.latencies.append(now - self._sent.popleft())


