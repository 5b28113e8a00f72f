"""Replays recorded answers of memcached 1.6.42 (data/golden-1642.jsonl.gz) against one server.

The file: one JSON object a line, a header and then cases. Strings are latin-1, one character a byte, and
in them `GOLDEN` begins every key, `<<CAS:key:+n>>` is the CAS id last seen for a key plus n, and
`{"x": s, "n": n}` as a segment is s repeated n times. A step with `closed` ends with the server closing.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.conformance.framing import requests
from tests.conformance.normalise import Normaliser, agree, explicit_cas_ids
from tests.conformance.player import Mismatch, Side, new_prefix, perform
from tests.conformance.script import Ends, Script, Step, render, shorten
from tests.support.processes import Address

DATA = Path(__file__).parent / "data" / "golden-1642.jsonl.gz"
TOKEN = b"GOLDEN"

ADMIN_COMMANDS = frozenset((b"shutdown", b"extstore", b"refresh_certs", b"debugtime"))
ALL_COMMANDS: frozenset[bytes] = frozenset()  # nothing left out

# Cases that memcache_server answers otherwise on purpose: id -> why. Keep it tiny.
KNOWN_DIFFERENCES = {
    "3031": "T of an ma that makes the number longer: lost in the original, kept here",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded script and its replies, one a step."""

    kind: str
    script: Script
    replies: tuple[bytes, ...]
    portable: bool  # 1.6.18 gives the same normalised replies

    def before(self, left_out: Collection[bytes]) -> Case | None:
        """The case up to the first step that sends a left-out command; None when nothing remains."""
        for number, step in enumerate(self.script.steps):
            if any(request.words and request.words[0] in left_out for request in requests(step.data)):
                steps = self.script.steps[:number]
                return replace(self, script=self.script.with_steps(steps)) if number else None
        return self


def _segment(source: str | dict[str, Any]) -> bytes:
    if isinstance(source, str):
        return source.encode("latin-1")
    return str(source["x"]).encode("latin-1") * int(source["n"])


def _step(source: dict[str, Any]) -> Step:
    segments = [_segment(segment) for segment in source["send"]]
    cuts = tuple(accumulate(map(len, segments[:-1])))
    return Step(b"".join(segments), source["conn"], cuts, Ends.CLOSED if source["closed"] else Ends.ANSWERED)


def _case(source: dict[str, Any]) -> Case:
    steps = tuple(map(_step, source["steps"]))
    name = f"golden {source['id']} ({source['kind']})"
    replies = tuple(step["reply"].encode("latin-1") for step in source["steps"])
    return Case(source["kind"], Script(name, steps, token=TOKEN), replies, source["portable"])


def cases(leave_out: Collection[bytes] = ADMIN_COMMANDS, *, portable: bool = False) -> Iterator[Case]:
    """The cases as far as they send none of these commands; with `portable` only those 1.6.18 answers alike."""
    with gzip.open(DATA, "rt", encoding="ascii") as lines:
        for source in map(json.loads, lines):
            if "steps" not in source or source["id"] in KNOWN_DIFFERENCES or (portable and not source["portable"]):
                continue
            case = _case(source).before(leave_out)
            if case is not None:
                yield case


class Replay:
    """Plays cases on one server."""

    def __init__(self, server: Address) -> None:
        self._side = Side(server)

    def close(self) -> None:
        self._side.close()

    def play(self, case: Case) -> Mismatch | None:
        """The first step whose reply is not the recorded one, or None."""
        self._side.begin(case.script, prefix := new_prefix(len(TOKEN)))
        recorded = Normaliser(explicit_cas_ids(b"".join(step.data for step in case.script.steps)))
        for number, (step, wanted) in enumerate(zip(case.script.steps, case.replies, strict=False)):
            (reply,) = perform(step, [self._side])
            outcome = "closed" if step.ends is Ends.CLOSED else "answered"
            wanted = render(wanted, TOKEN, prefix, {})
            theirs, ours = recorded.pieces(wanted), self._side.normaliser.pieces(reply.data)
            if reply.outcome != outcome or not agree(ours, theirs):
                self._side.close()
                return Mismatch(case.script, f"step {number}", str(reply), f"{shorten(wanted)} ({outcome})")
        return None
