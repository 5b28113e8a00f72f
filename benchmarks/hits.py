"""Hit ratios: the same requests to each server, as an application would make them: get, and on a miss set.

The batches go to the servers in turn, at a fixed rate if the machine is not slower: what moves items between the LRU's
segments and pages between slab classes goes by the clock.
"""

import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.traces import BATCH, Asked, Batch, Trace, batches_of

_CHUNK = 1 << 20
_END = b"END\r\n"
_VALUE = b"x" * 20_000  # none of it may look like the end of a reply
_WARM_UP = 0.25  # of the requests, before hits are counted


class Application:
    """One server's client."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self.hits = 0
        self.refused = 0

    def ask(self, batch: Batch) -> None:
        """Send one get of all keys."""
        self._socket.sendall(b"get %b\r\n" % b" ".join(asked.key for asked in batch))

    def store_missed(self, batch: Batch) -> int:
        """Read the reply, count the hits, and store what was not there; how many that were."""
        reply, at, missed = self._until_end(), 0, {}
        for asked in batch:
            if reply.startswith(b"VALUE %b " % asked.key, at):
                at = reply.index(b"\r\n", at) + 2 + asked.size + 2
                self.hits += 1
            else:
                missed[asked.key] = asked
        if reply[at:] != _END:
            raise RuntimeError(f"an unexpected reply: {reply[at : at + 80]!r}")
        self._socket.sendall(b"".join(map(_set, missed.values())))
        return len(missed)

    def stored(self, count: int) -> None:
        """Read the replies of so many sets."""
        reply = b""
        while reply.count(b"\n") < count:
            reply += self._receive()
        self.refused += count - reply.count(b"STORED")

    def close(self) -> None:
        self._socket.close()

    def _until_end(self) -> bytes:
        pieces, tail = [], b""
        while tail != _END:
            pieces.append(self._receive())
            tail = (tail + pieces[-1])[-len(_END) :]
        return b"".join(pieces)

    def _receive(self) -> bytes:
        data = self._socket.recv(_CHUNK)
        if not data:
            raise RuntimeError("closed by the server")
        return data


def _set(asked: Asked) -> bytes:
    return b"set %b 0 %d %d\r\n%b\r\n" % (asked.key, asked.ttl, asked.size, _VALUE[: asked.size])


@dataclass(frozen=True)
class HitRatios:
    """Of one trace: the hit ratio of each server after the warm-up, in percent, and sets refused in all."""

    trace: str
    requests: int  # that were counted
    percent: dict[str, float]
    refused: dict[str, int]


def measure(trace: Trace, ports: dict[str, int], requests: int, memory: int) -> HitRatios:
    """Play a trace to the servers of these names; `memory` is their -m in bytes."""
    clients = {name: Application(port) for name, port in ports.items()}
    try:
        warm = int(requests * _WARM_UP) // BATCH
        batches = batches_of(trace, requests, memory)
        before = play(_shown(batches, trace.name, requests), clients, trace.rate, warm)
        counted = requests // BATCH * BATCH - warm * BATCH
        return HitRatios(
            trace.name,
            counted,
            {name: round(100 * (client.hits - before[name]) / counted, 3) for name, client in clients.items()},
            {name: client.refused for name, client in clients.items()},
        )
    finally:
        for client in clients.values():
            client.close()


def play(batches: Iterable[Batch], clients: dict[str, Application], rate: float, mark: int = 0) -> dict[str, int]:
    """Send each batch to every client's server; the hits of each before batch number `mark`."""
    started, marked = time.monotonic(), dict.fromkeys(clients, 0)
    for number, batch in enumerate(batches):
        if number == mark:
            marked = {name: client.hits for name, client in clients.items()}
        time.sleep(max(0.0, started + number * BATCH / rate - time.monotonic()))
        for client in clients.values():
            client.ask(batch)
        missed = [(client, client.store_missed(batch)) for client in clients.values()]
        for client, count in missed:
            client.stored(count)
    return marked


def _shown(batches: Iterable[Batch], name: str, requests: int) -> Iterable[Batch]:
    """The batches, with progress on the terminal."""
    total, started = requests // BATCH, time.monotonic()
    for number, batch in enumerate(batches):
        if number % 200 == 0:
            rate = number * BATCH / (time.monotonic() - started + 1e-9)
            print(f"\r{name}: {100 * number // total} %, {rate:,.0f}/s ", end="", file=sys.stderr, flush=True)
        yield batch
    print("\r" + " " * 70 + "\r", end="", file=sys.stderr)
