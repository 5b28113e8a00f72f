"""A closed loop over raw sockets: replies are counted by length, and a wrong length stops the run.

Requests are made beforehand. How busy the load's core was stands beside every sample: where it is all of it, throughput
and latency are the load's as much as the server's, and only CPU time tells the servers apart.
"""

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

from benchmarks.process import cpu_seconds, waiting_seconds
from benchmarks.workloads import Ask, Workload, set_request

_STALLED_S = 10
_CHUNK = 1 << 20
_SEND_TIMEOUT = struct.pack("ll", _STALLED_S, 0)


@dataclass(frozen=True)
class Sample:
    """One round of one contender."""

    cpu_us: float  # for one operation
    per_s: float  # operations
    p50_us: float  # from a request to its whole reply
    p99_us: float
    p999_us: float
    server_busy: float  # CPU time as a share of the round
    load_busy: float
    server_waited: float  # share of the round in which it could have run, but another process had its core


class Client:
    """A connection with one request under way at most."""

    __slots__ = ("missing", "receive_into", "send", "sent", "socket")

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.send: Callable[[bytes], None] = self.socket.sendall
        self.receive_into = self.socket.recv_into
        self.missing = 0  # bytes of the reply still to come
        self.sent = 0.0


class Clients:
    """The connections of a row, watched together; closed at the end of the block."""

    def __init__(self, port: int, count: int) -> None:
        self.poll = select.epoll()
        made = [Client(port) for _ in range(count)]
        self.by_descriptor = {client.socket.fileno(): client for client in made}
        for client in made:
            self.poll.register(client.socket, select.EPOLLIN)

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for client in self.by_descriptor.values():
            client.socket.close()
        self.poll.close()


def connect(port: int) -> socket.socket:
    """A blocking connection without Nagle's delay, that gives up sending to who does not read."""
    made = socket.create_connection(("127.0.0.1", port), 5)
    made.settimeout(None)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _SEND_TIMEOUT)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def receive(client: socket.socket, missing: int) -> None:
    """Read so many bytes; RuntimeError if the server closes before."""
    while missing:
        data = client.recv(min(missing, _CHUNK))
        if not data:
            raise RuntimeError("closed by the server")
        missing -= len(data)


def preload(port: int, keys: int, size: int) -> None:
    """Store the keys that the rows read, with values of so many bytes."""
    step = max(1, min(500, 400_000 // (size + 40)))
    with connect(port) as client:
        for first in range(0, keys, step):
            numbers = range(first, min(first + step, keys))
            client.sendall(b"".join([set_request(number, size) for number in numbers]))
            receive(client, 8 * len(numbers))


def stats(client: socket.socket) -> bytes:
    """The reply to `stats`; LookupError from a server that knows none and closes."""
    client.sendall(b"stats\r\n")
    reply = b""
    while not reply.endswith(b"END\r\n"):
        data = client.recv(_CHUNK)
        if not data:
            raise LookupError("closed, asked for stats")
        reply += data
    return reply


def stat(port: int, name: bytes) -> int:
    """A number of the server's `stats`; LookupError if it is not there."""
    with connect(port) as client:
        return int(stats(client).partition(b"STAT %b " % name)[2].split()[0])


class ClosedLoop:
    """Every connection busy, round after round; `turn`, the requests, goes on where the last round stopped."""

    def __init__(self, clients: Clients, pid: int, workload: Workload) -> None:
        self._clients, self._pid, self._workload = clients, pid, workload
        self.turn = workload.turn()

    def round(self, seconds: float, warm_up: float) -> Sample:
        """One sample; the tree of the process pays."""
        for client in self._clients.by_descriptor.values():
            _ask(client, self.turn)
        self._play(warm_up)
        before, started = self._spent(), time.perf_counter()
        latencies = self._play(seconds)
        took = time.perf_counter() - started
        cpu, waited, own = (after - first for after, first in zip(self._spent(), before, strict=True))
        self._drain()
        latencies.sort()
        operations = len(latencies) * self._workload.operations
        p50, p99, p999 = (quantile(latencies, share) * 1e6 for share in (0.5, 0.99, 0.999))
        cpu_us, per_s = cpu / operations * 1e6, operations / took
        return Sample(cpu_us, per_s, p50, p99, p999, cpu / took, own / took, waited / took)

    def _spent(self) -> tuple[float, float, float]:
        """CPU seconds of the server, seconds that it waited for its core, CPU seconds of the load."""
        return cpu_seconds(self._pid), waiting_seconds(self._pid), time.process_time()

    def _play(self, seconds: float) -> list[float]:
        """The loop itself: the latency of each reply that became whole, as of when it was seen to be there."""
        clock, turn, short = time.perf_counter, self.turn, self._workload.short
        poll, clients, buffer = self._clients.poll.poll, self._clients.by_descriptor, bytearray(_CHUNK)
        latencies: list[float] = []
        now = clock()
        end = now + seconds
        while now < end:
            ready = poll(_STALLED_S)
            now = clock()
            if not ready:
                raise RuntimeError(f"no reply for {_STALLED_S} s")
            for descriptor, _ in ready:
                client = clients[descriptor]
                received = client.receive_into(buffer)
                missing = client.missing = client.missing - received
                if (missing > 0 and missing != short) or missing < 0 or not received:
                    check(client, received, buffer)
                    continue
                latencies.append(now - client.sent)
                request, client.missing = next(turn)
                client.sent = clock()
                client.send(request)
        return latencies

    def _drain(self) -> None:
        """Read what is under way, so that the other contender has the machine to itself."""
        buffer = bytearray(_CHUNK)
        for client in self._clients.by_descriptor.values():
            while client.missing not in (0, self._workload.short):
                received = client.receive_into(buffer)
                client.missing -= received
                check(client, received, buffer)


def check(client: Client, received: int, buffer: bytearray) -> None:
    """RuntimeError if the reply is not what was expected so far."""
    if not received:
        raise RuntimeError("closed by the server")
    if client.missing < 0:
        raise RuntimeError(f"a reply longer than expected: {bytes(buffer[max(0, received - 80) : received])!r}")


def quantile(ordered: list[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _ask(client: Client, turn: Iterator[Ask]) -> None:
    request, client.missing = next(turn)
    client.sent = time.perf_counter()
    client.send(request)
