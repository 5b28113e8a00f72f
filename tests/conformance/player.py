"""Plays scripts on servers. Every reply ends at the answer to a barrier, so nothing waits for silence."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.conformance.normalise import VALUE_CAS, Normaliser, Piece, agree, explicit_cas_ids
from tests.conformance.script import Ends, Script, Step, render, shorten
from tests.support.processes import Address

PATIENCE_SECONDS = 5.0  # for the next bytes of a reply that never completes
CUT_SECONDS = 0.0001  # between segments, so that the server reads them apart
BARRIER_KEY = b"conformance.barrier"

_barriers = itertools.count()
_runs = itertools.count(int.from_bytes(os.urandom(5), "big"))


def new_prefix(width: int) -> bytes:
    """Key prefix of this width that no other run of a script on the same servers has."""
    return (b"%0*x" % (width, next(_runs)))[-width:]


@dataclass(frozen=True, slots=True)
class Barrier:
    """A quiet set of a marker item and a get of it; the set makes it proof against flush_all."""

    request: bytes
    answer: bytes


def next_barrier() -> Barrier:
    mark = b"%08x" % next(_barriers)
    head = b"%s 0 %d" % (BARRIER_KEY, len(mark))
    return Barrier(
        b"set %s 0 0 %d noreply\r\n%s\r\nget %s\r\n" % (BARRIER_KEY, len(mark), mark, BARRIER_KEY),
        b"VALUE %s\r\n%s\r\nEND\r\n" % (head, mark),
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for a step and how it ended: "answered", "open", "closed" or "stalled"."""

    data: bytes
    outcome: str

    def __str__(self) -> str:
        return f"{shorten(self.data)} ({self.outcome})"


class Connection:
    """A blocking TCP connection that collects what the server sends."""

    def __init__(self, address: Address) -> None:
        self._socket = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self._socket.close()

    def send(self, segment: bytes) -> None:
        try:
            self._socket.sendall(segment)
        except OSError:
            pass  # closed by the server: reading tells

    def receive(self, answer: bytes | None) -> Reply:
        """Read up to the barrier's answer (dropped), or with None until the server closes."""
        while answer is None or not self._received.endswith(answer):
            if not self._read():
                return self._take(0, "closed" if self.closed else "stalled")
        return self._take(len(answer), "answered")

    def _read(self) -> bool:
        try:
            data = self._socket.recv(262144)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            self.close()
            return False
        self._received += data
        return True

    def _take(self, dropped: int, outcome: str) -> Reply:
        reply = bytes(self._received[: len(self._received) - dropped])
        self._received.clear()
        return Reply(reply, outcome)


class Side:
    """One server under comparison: its connections, and what one run of a script has seen on it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connections: dict[int, Connection] = {}
        self._cas_ids: dict[bytes, int] = {}
        self._prefix = b""
        self._script: Script | None = None
        self._open: set[int] = set()
        self.normaliser = Normaliser()

    def begin(self, script: Script, prefix: bytes) -> None:
        """Start a script: its own key prefix, CAS ids and, where it must be so, connections."""
        if script.fresh or self._open:
            self.close()
        sent = b"".join(step.data for step in script.steps if b" E" in step.data)
        self.normaliser = Normaliser(explicit_cas_ids(sent))
        self._script, self._prefix, self._cas_ids = script, prefix, {}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._open.clear()

    def segments(self, step: Step, barrier: Barrier) -> list[bytes]:
        """The writes of a step, the barrier joined to the last one."""
        assert self._script is not None, "begin() comes first"
        rendered = render(step.data, self._script.token, self._prefix, self._cas_ids)
        segments = step.segments(rendered)
        if step.ends is Ends.ANSWERED:
            segments[-1] += barrier.request
        return segments

    def send(self, step: Step, segment: bytes) -> None:
        connection = self._connections.get(step.conn)
        if connection is None or connection.closed:
            connection = self._connections[step.conn] = Connection(self.address)
        connection.send(segment)

    def receive(self, step: Step, barrier: Barrier) -> Reply:
        connection = self._connections[step.conn]
        if step.ends is Ends.OPEN:
            self._open.add(step.conn)
            return Reply(b"", "open")
        self._open.discard(step.conn)
        reply = connection.receive(barrier.answer if step.ends is Ends.ANSWERED else None)
        if reply.outcome == "stalled":
            connection.close()
        if b"VALUE " in reply.data:
            self._cas_ids.update((key, int(cas_id)) for key, cas_id in VALUE_CAS.findall(reply.data))
        return reply


def perform(step: Step, sides: Sequence[Side]) -> list[Reply]:
    """One step on all sides at once: they work while the other is being talked to."""
    barrier = next_barrier()
    writes = [side.segments(step, barrier) for side in sides]
    for number in range(max(map(len, writes))):
        if number:
            time.sleep(CUT_SECONDS)
        for side, segments in zip(sides, writes, strict=True):
            if number < len(segments):
                side.send(step, segments[number])
    return [side.receive(step, barrier) for side in sides]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The step (or "counters" after the last one) where two servers disagree, with both replies."""

    script: Script
    where: str
    ours: str
    theirs: str

    def __str__(self) -> str:
        return (
            f"{self.script.name}: {self.where}\n{self.script.describe()}\n"
            f"    ours   {self.ours}\n    theirs {self.theirs}"
        )


class Pair:
    """Ours and theirs: plays scripts on both and compares."""

    def __init__(self, ours: Address, theirs: Address) -> None:
        self.ours, self.theirs = Side(ours), Side(theirs)
        self.stalled = 0

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()

    def play(self, script: Script) -> Mismatch | None:
        """The first disagreement, or None. After one, the connections are replaced: their state is unknown."""
        self.begin(script)
        steps = range(len(script.steps))
        return next((found for number in steps if (found := self.play_step(script, number)) is not None), None)

    def begin(self, script: Script) -> None:
        """Start a script whose steps are then played one by one."""
        prefix = new_prefix(len(script.token))
        self.ours.begin(script, prefix)
        self.theirs.begin(script, prefix)

    def play_step(self, script: Script, number: int) -> Mismatch | None:
        """One step of the script that was begun."""
        ours, theirs = perform(script.steps[number], (self.ours, self.theirs))
        self.stalled += theirs.outcome == "stalled"
        if self._agree(ours, theirs):
            return None
        self.close()
        return Mismatch(script, f"step {number}", str(ours), str(theirs))

    def _agree(self, ours: Reply, theirs: Reply) -> bool:
        return ours.outcome == theirs.outcome and agree(
            self._pieces(self.ours, ours), self._pieces(self.theirs, theirs)
        )

    @staticmethod
    def _pieces(side: Side, reply: Reply) -> list[Piece]:
        return side.normaliser.pieces(reply.data)
