"""Latency at half load: requests come by chance at a fixed rate, whether earlier ones were answered or not.

A request's latency counts from when it was due: what waits for a free connection, because the server stands still,
waits as its user would. The rate is half of what the slower server does in a closed loop of the same requests. How late
the load itself was, with connections free, is told with it.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks.load import Client, Clients, ClosedLoop, check, quantile, stat
from benchmarks.measure import WARM_UP_S, Started
from benchmarks.rows import Row
from benchmarks.workloads import Ask, workload

_CHUNK = 1 << 20
_GIVE_UP_S = 10


@dataclass(frozen=True)
class Latencies:
    """Of one round, in milliseconds."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    longest_ms: float
    load_late_p999_ms: float
    evictions: int


class OpenLoop:
    """Requests at a rate; the random arrivals are the same for every contender."""

    def __init__(self, clients: Clients, turn: Iterator[Ask], short: int) -> None:
        self._clients, self._turn, self._short = clients, turn, short

    def run(self, rate: float, seconds: float) -> tuple[list[float], list[float]]:
        """The latency of each request, and how late the load sent it; both in seconds, sorted."""
        clock, rng, short, buffer = time.perf_counter, random.Random(11), self._short, bytearray(_CHUNK)
        poll, clients = self._clients.poll.poll, self._clients.by_descriptor
        free, latencies, late = list(clients.values()), [], []
        now = due = freed = clock()
        end = now + seconds
        while due < end or len(free) < len(clients):
            while due <= now and due < end and free:
                late.append(now - max(due, freed))
                _send(client := free.pop(), self._turn, due)
                due += rng.expovariate(rate)
                now = clock()
            ready = poll(0)
            now = clock()
            for descriptor, _ in ready:
                client = clients[descriptor]
                received = client.receive_into(buffer)
                client.missing -= received
                check(client, received, buffer)
                if client.missing in (0, short):
                    latencies.append(now - client.sent)
                    freed = freed if free else now
                    free.append(client)
            if now > end + _GIVE_UP_S:
                raise RuntimeError(f"no reply for {_GIVE_UP_S} s")
        return sorted(latencies), sorted(late)


def measure(
    row: Row, started: list[Started], rounds: int, seconds: float, show: Callable[[str], None]
) -> tuple[float, dict[str, Latencies]]:
    """The rate a second, and by contender the medians of the rounds."""
    requests = workload(row)
    with ExitStack() as stack:
        loops: list[tuple[str, int, OpenLoop]] = []
        speeds: list[float] = []
        for contender, pid, port in started:
            show(f"a closed loop, {contender.name}")
            clients = stack.enter_context(Clients(port, row.connections))
            closed = ClosedLoop(clients, pid, requests)
            speeds.append(closed.round(seconds, WARM_UP_S).per_s)
            loops.append((contender.name, port, OpenLoop(clients, closed.turn, requests.short)))
        rate = min(speeds) / 2
        found: dict[str, list[Latencies]] = {name: [] for name, _, _ in loops}
        for number in range(rounds):
            for name, port, loop in loops:
                show(f"{rate:,.0f} requests/s, round {number + 1} of {rounds}, {name}")
                before = stat(port, b"evictions")
                latencies, late = loop.run(rate, seconds)
                found[name].append(_summary(latencies, late, stat(port, b"evictions") - before))
    return rate, {name: _median(samples) for name, samples in found.items()}


def _send(client: Client, turn: Iterator[Ask], due: float) -> None:
    request, client.missing = next(turn)
    client.sent = due
    client.send(request)


def _summary(latencies: list[float], late: list[float], evictions: int) -> Latencies:
    if not evictions:
        raise RuntimeError("nothing was evicted at half load")
    p50, p99, p999 = (quantile(latencies, share) * 1e3 for share in (0.5, 0.99, 0.999))
    return Latencies(p50, p99, p999, latencies[-1] * 1e3, quantile(late, 0.999) * 1e3, evictions)


def _median(samples: list[Latencies]) -> Latencies:
    columns = zip(*(vars(sample).values() for sample in samples), strict=True)
    return Latencies(*(median(column) for column in columns))
