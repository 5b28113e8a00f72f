"""What the workers know of their servers, gathered: each writes a snapshot, whoever is asked reads all.

Counters of a fixed number live in SharedCounters; servers come and go, so theirs travel as text. A row has
one writer and any number of readers. Its first word is odd while it is written; a reader that sees it odd,
or changed, reads again.
"""

from __future__ import annotations

import dataclasses
import json
import mmap
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mcproxy.outcome import Result
from mcproxy.upstream.destination import Destination
from mcproxy.upstream.tko import Health

_ROW_BYTES = 1 << 20
_HEADER = struct.Struct("<QQ")
_TRIES = 100


@dataclass(slots=True)
class ServerSnapshot:
    """One server, as one worker or all of them see it. `results` counts replies by outcome.Result."""

    location: str
    health: str = Health.UP.value
    failures: int = 0
    latency_us: float = 0.0
    pending: int = 0
    inflight: int = 0
    states: dict[str, int] = field(default_factory=dict)
    results: list[int] = field(default_factory=lambda: [0] * len(Result))


Servers = dict[str, ServerSnapshot]
"""By the name that `stats servers` shows."""


@dataclass(slots=True)
class WorkerSnapshot:
    """A worker's servers, and whether it can serve, in words."""

    ready: bool
    text: str
    servers: Servers


def snapshot_servers(destinations: Iterable[Destination]) -> Servers:
    """This worker's servers now."""
    return {
        shown_name(destination): ServerSnapshot(
            str(destination.location),
            destination.tracker.health.value,
            destination.tracker.failures,
            destination.latency_s * 1e6,
            destination.pending_count,
            destination.inflight_count,
            {destination.state: 1},
            list(destination.results),
        )
        for destination in destinations
    }


def shown_name(destination: Destination) -> str:
    """`10.0.0.1:11211:ascii:plain:notcompressed-1000`: mcrouter's name, which exporters take apart."""
    timeout_ms = round(destination.options.timeout_s * 1000)
    return f"{destination.name}:ascii:plain:notcompressed-{timeout_ms}"


def merge_servers(parts: Sequence[Servers]) -> Servers:
    """All workers' view: sums, the worst health, the mean latency of those that have one."""
    merged: Servers = {}
    latencies: dict[str, list[float]] = {}
    order = [Health.UP.value, Health.SOFT.value, Health.HARD.value]
    for part in parts:
        for name, seen in part.items():
            if seen.latency_us:
                latencies.setdefault(name, []).append(seen.latency_us)
            if name not in merged:
                merged[name] = dataclasses.replace(seen, states=dict(seen.states), results=list(seen.results))
                continue
            into = merged[name]
            into.health = max(into.health, seen.health, key=order.index)
            into.failures = max(into.failures, seen.failures)
            into.pending += seen.pending
            into.inflight += seen.inflight
            into.results = [a + b for a, b in zip(into.results, seen.results, strict=True)]
            for state, count in seen.states.items():
                into.states[state] = into.states.get(state, 0) + count
    for name, seen_us in latencies.items():
        merged[name].latency_us = sum(seen_us) / len(seen_us)
    return merged


class Board:
    """A row of shared memory for each worker; to be made before they are forked."""

    def __init__(self, workers: int) -> None:
        self._rows = [mmap.mmap(-1, _ROW_BYTES) for _ in range(workers)]

    def write(self, worker: int, snapshot: WorkerSnapshot) -> None:
        """Replace the worker's row. One that is too long for it keeps its words and loses its servers."""
        data = json.dumps(dataclasses.asdict(snapshot)).encode()
        if len(data) > _ROW_BYTES - _HEADER.size:
            data = json.dumps(dataclasses.asdict(dataclasses.replace(snapshot, servers={}))).encode()
        row = self._rows[worker]
        version, _ = _HEADER.unpack_from(row)
        version |= 1  # of a writer that died in the middle, or ours from now on
        _HEADER.pack_into(row, 0, version, len(data))
        row[_HEADER.size : _HEADER.size + len(data)] = data
        _HEADER.pack_into(row, 0, version + 1, len(data))

    def read(self) -> list[WorkerSnapshot]:
        """Every worker's last snapshot; workers that have not written any are left out."""
        found = (self._read(row) for row in self._rows)
        return [snapshot for snapshot in found if snapshot is not None]

    @staticmethod
    def _read(row: mmap.mmap) -> WorkerSnapshot | None:
        for _ in range(_TRIES):
            version, length = _HEADER.unpack_from(row)
            data = row[_HEADER.size : _HEADER.size + length]
            if version % 2 == 0 and _HEADER.unpack_from(row)[0] == version:
                break
        else:
            return None
        if not data:
            return None
        fields = json.loads(data)
        servers = {name: ServerSnapshot(**seen) for name, seen in fields["servers"].items()}
        return WorkerSnapshot(fields["ready"], fields["text"], servers)
