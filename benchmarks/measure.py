"""Rows played to all contenders: started together, filled once, then alternating round by round."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median

from benchmarks.contenders import MEASURED_CORE, Contender
from benchmarks.load import Clients, ClosedLoop, Sample, preload, stat
from benchmarks.process import running
from benchmarks.rows import Row, groups
from benchmarks.workloads import workload

WARM_UP_S = 0.2
_SETTLE_S = (0.5, 20)  # at least, at most

Started = tuple[Contender, int, int]  # with its process id and port


@dataclass
class Played:
    """A row, and the samples of each contender, round by round; the first contender is the original."""

    row: Row
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def figure(self, contender: str, measure: str) -> float:
        """Median over the rounds; `measure` is a field of Sample."""
        return float(median(getattr(sample, measure) for sample in self.samples[contender]))

    def ratio(self, contender: str, measure: str) -> float:
        """Median of the rounds' ratios to the original."""
        original = next(iter(self.samples.values()))
        pairs = zip(self.samples[contender], original, strict=True)
        return float(median(getattr(ours, measure) / getattr(theirs, measure) for ours, theirs in pairs))

    @property
    def reached(self) -> bool | None:
        """Whether ours, the second contender, is where it should be; None if the row has no such figure."""
        ours = list(self.samples)[1]
        return None if self.row.reach is None else self.ratio(ours, "cpu_us") <= self.row.reach


def play(
    rows: Sequence[Row], contenders: Callable[[int], list[Contender]], rounds: int, seconds: float,
    each: Callable[[Played], None],
) -> list[Played]:
    """All rows; `contenders` are made anew, with so many megabytes, for each group of rows that share a fill."""
    done: list[Played] = []
    for group in groups(tuple(rows)):
        with ExitStack() as stack:
            started = [
                (contender, *stack.enter_context(running(contender.command, MEASURED_CORE)))
                for contender in contenders(group[0].megabytes)
            ]
            preload_all(started, group[0])
            for row in group:
                with progress(f"{len(done) + 1} of {len(rows)}, {row.name}") as show:
                    done.append(play_row(row, started, rounds, seconds, show))
                each(done[-1])
    return done


def preload_all(started: list[Started], row: Row) -> None:
    """Store the row's items in each of the started."""
    for contender, _, port in started:
        if not contender.floor:
            with progress(f"storing {row.keys:,} items of {row.value} bytes in {contender.name}"):
                preload(port, row.keys, row.value)
                _settle(port)


def _settle(port: int) -> None:
    """Wait for what still goes on behind a fill: a growing hash table, items on their way through the LRU."""
    deadline = time.monotonic() + _SETTLE_S[1]
    time.sleep(_SETTLE_S[0])
    with suppress(LookupError):  # a proxy knows nothing of it
        while stat(port, b"hash_is_expanding") and time.monotonic() < deadline:
            time.sleep(0.2)


def play_row(row: Row, started: list[Started], rounds: int, seconds: float, show: Callable[[str], None]) -> Played:
    """One row to those of the started that can play it; RuntimeError if it should have evicted and did not."""
    players = [entry for entry in started if row.floor or not entry[0].floor]
    played, requests = Played(row, {contender.name: [] for contender, _, _ in players}), workload(row)
    evicted = [stat(port, b"evictions") for _, _, port in players] if row.evicts else []
    with ExitStack() as stack:
        loops = [
            (contender.name, ClosedLoop(stack.enter_context(Clients(port, row.connections)), pid, requests))
            for contender, pid, port in players
        ]
        for number in range(rounds):
            for name, loop in loops:
                show(f"round {number + 1} of {rounds}, {name}")
                played.samples[name].append(loop.round(seconds, WARM_UP_S))
    for (contender, _, port), before in zip(players, evicted, strict=False):
        if stat(port, b"evictions") == before:
            raise RuntimeError(f"{contender.name} evicted nothing: {row.name}")
    return played


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Says on stderr what is going on, and leaves the line empty."""

    def show(details: str) -> None:
        print(f"\r\033[K{time.strftime('%H:%M:%S')} {what}: {details}", end="", file=sys.stderr, flush=True)

    show("")
    try:
        yield show
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
