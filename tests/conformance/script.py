"""Byte scripts: what is sent on which connection, how it is cut into segments, and how a step ends."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

PREFIX = b"PREFIX"  # begins every key; each run of a script puts its own six bytes there (a multiple of three)
CAS_MARK = re.compile(rb"<<CAS:([^:>]+):([+-]\d+)>>")  # the CAS id last seen for a key in a VALUE line, plus n


class Ends(Enum):
    """What follows the last byte of a step."""

    ANSWERED = "answered"  # the barrier is sent along: its answer shows that the reply is complete
    OPEN = "open"  # the request goes on in a later step: nothing is awaited
    CLOSED = "closed"  # the server is expected to close the connection; nothing is sent along


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes for one connection. `cuts` are positions in the rendered bytes where a new segment begins."""

    data: bytes
    conn: int = 0
    cuts: tuple[int, ...] = ()
    ends: Ends = Ends.ANSWERED

    def segments(self, rendered: bytes) -> list[bytes]:
        """The rendered bytes cut into the writes that are made of them; never an empty one."""
        edges = [0, *sorted({cut for cut in self.cuts if 0 < cut < len(rendered)}), len(rendered)]
        return [rendered[a:b] for a, b in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Script:
    """Steps, played in order. `fresh` asks for new connections; `token` is what stands for the key prefix."""

    name: str
    steps: tuple[Step, ...]
    fresh: bool = False
    token: bytes = PREFIX

    def with_steps(self, steps: tuple[Step, ...]) -> Script:
        return replace(self, steps=steps)

    def describe(self, width: int = 400) -> str:
        """The steps as a person reads them; long data shortened."""
        return "\n".join(
            f"    {number}: conn {step.conn} sends {shorten(step.data, width)}"
            + (f" cut at {list(step.cuts)}" if step.cuts else "")
            + (f" ({step.ends.value})" if step.ends is not Ends.ANSWERED else "")
            for number, step in enumerate(self.steps)
        )


def shorten(data: bytes, width: int = 400) -> str:
    """repr, with the middle of long data left out."""
    if len(data) <= width:
        return repr(data)
    return f"{data[: width // 2]!r} … {len(data)} bytes … {data[-width // 2 :]!r}"


def render(data: bytes, token: bytes, prefix: bytes, cas_ids: Mapping[bytes, int]) -> bytes:
    """Put the run's key prefix and the CAS ids it has seen into a step's bytes (base64 keys included)."""
    if token in data:
        data = data.replace(token, prefix)
    data = data.replace(base64.b64encode(token), base64.b64encode(prefix))
    if b"<<CAS:" not in data:
        return data
    return CAS_MARK.sub(lambda mark: b"%d" % max(0, cas_ids.get(mark[1], 0) + int(mark[2])), data)


def without_marks(data: bytes) -> bytes:
    """A step's bytes with a number for each CAS mark, so that its lines can be read."""
    return CAS_MARK.sub(b"1", data) if b"<<CAS:" in data else data
