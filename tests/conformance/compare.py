"""Runs scripts against both servers, with the counters compared after each, and shrinks what differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.conformance.player import Connection, Mismatch, Pair
from tests.conformance.script import Script
from tests.conformance.shrink import shrink
from tests.support.processes import Address

# What `stats` must count alike when neither server works in the background. Left out: what depends on the process,
# and get_expired and get_flushed, which depend on when the second ticks.
COMPARED_COUNTERS = (
    "cmd_get", "cmd_set", "cmd_flush", "cmd_touch", "cmd_meta", "get_hits", "get_misses",
    "delete_misses", "delete_hits", "incr_misses", "incr_hits", "decr_misses", "decr_hits", "cas_misses",
    "cas_hits", "cas_badval", "touch_hits", "touch_misses", "store_too_large", "total_items",
)  # fmt: skip


def read_stats(connection: Connection, group: str = "") -> list[tuple[str, str]]:
    """The (name, value) pairs of `stats [group]`, in order."""
    connection.send(b"stats %s\r\n" % group.encode() if group else b"stats\r\n")
    lines = connection.receive(b"END\r\n").data.decode("latin-1").split("\r\n")
    pairs = (line.split(" ", 2) for line in lines if line.startswith("STAT "))
    return [(words[1], words[2] if len(words) > 2 else "") for words in pairs]


@dataclass(slots=True)
class Counters:
    """The compared counters of one server, read as what was added since the last time."""

    connection: Connection
    last: dict[str, int] = field(default_factory=dict)

    def added(self) -> dict[str, int]:
        stats = dict(read_stats(self.connection))
        now = {name: int(stats.get(name, -1)) for name in COMPARED_COUNTERS}
        before, self.last = self.last, now
        return {name: now[name] - before.get(name, 0) for name in COMPARED_COUNTERS}


class Comparison:
    """Plays scripts on a pair of servers. `counters=False` leaves the counters out."""

    def __init__(self, ours: Address, theirs: Address, *, counters: bool = True) -> None:
        self._pair = Pair(ours, theirs)
        self._counters = (Counters(Connection(ours)), Counters(Connection(theirs))) if counters else ()
        self._read_counters()
        self.played = 0

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def stalled(self) -> int:
        """Steps the original did not answer: each costs its patience, so scripts should have none."""
        return self._pair.stalled

    def close(self) -> None:
        self._pair.close()
        for counters in self._counters:
            counters.connection.close()

    def _read_counters(self) -> list[dict[str, int]]:
        return [counters.added() for counters in self._counters]

    def play(self, script: Script) -> Mismatch | None:
        """The first disagreement in one script, or None."""
        self.played += 1
        mismatch = self._pair.play(script)
        counted = self._read_counters()
        if any(b"stats reset" in step.data for step in script.steps):
            counted = [counters.last for counters in self._counters]  # what was counted before is gone
        if mismatch is not None or not counted or counted[0] == counted[1]:
            return mismatch
        ours, theirs = counted
        different = [name for name in COMPARED_COUNTERS if ours[name] != theirs[name]]
        said = [", ".join(f"{name} +{counts[name]}" for name in different) for counts in (ours, theirs)]
        return Mismatch(script, "counters added", *said)

    def first_mismatch(self, scripts: Iterable[Script]) -> Mismatch | None:
        """Play until one differs."""
        return next((found for script in scripts if (found := self.play(script)) is not None), None)

    def shrunk(self, mismatch: Mismatch) -> Mismatch:
        """The same kind of disagreement from the smallest script that still shows one."""

        def fails(candidate: Script) -> bool:
            return self.play(candidate) is not None

        small = replace(shrink(mismatch.script, fails), name=f"{mismatch.script.name} (shrunk)")
        return self.play(small) or mismatch
