"""The server's benchmark beside the rows: growth, half load, rest, start, counters, and memaslap's opinion."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from benchmarks import at_rest, contenders, growth, half_load, memaslap
from benchmarks.figures import Figure
from benchmarks.measure import Started, preload_all, progress
from benchmarks.process import running
from benchmarks.rows import Row

Show = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How long and how much the parts beside the rows take."""

    growth_items: int
    half_load: Row
    rounds: int
    seconds: float
    idle_seconds: float
    starts: int


FULL = Size(
    growth_items=5_000_000,
    half_load=Row(name="half load", ask="churn", keys=1_300_000, megabytes=184),  # 1 M items of 192 bytes fit
    rounds=5, seconds=3, idle_seconds=20, starts=9,
)  # fmt: skip
QUICK = Size(
    growth_items=200_000,
    half_load=Row(name="half load", ask="churn", keys=130_000, megabytes=18),
    rounds=2, seconds=1, idle_seconds=3, starts=3,
)  # fmt: skip


def figures(only: str, size: Size, each: Callable[[Figure], None]) -> list[Figure]:
    """All parts whose name contains `only`, each figure told as it is known."""
    done: list[Figure] = []
    for name, part in PARTS.items():
        if only in name:
            with progress(name) as show:
                found = list(part(size, show))
            done += found
            for figure in found:
                each(figure)
    return done


@contextmanager
def _servers(megabytes: int = 1024) -> Iterator[list[Started]]:
    with ExitStack() as stack:
        yield [
            (contender, *stack.enter_context(running(contender.command, contenders.MEASURED_CORE)))
            for contender in contenders.servers(megabytes)
        ]


def _growth(size: Size, show: Show) -> Iterator[Figure]:
    seen: dict[str, growth.Growth] = {}
    for contender in contenders.servers(2048):
        with running(contender.command, contenders.MEASURED_CORE) as (_, port):
            show(contender.name)
            seen[contender.name] = growth.fill(port, size.growth_items, 100, show)
    filling = f"filling 0 to {size.growth_items / 1e6:g} M items"
    yield Figure(f"{filling}: ping p50", "ms", {name: grown.p50_ms for name, grown in seen.items()})
    yield Figure(f"{filling}: ping p99.9", "ms", {name: grown.p999_ms for name, grown in seen.items()})
    yield Figure(f"{filling}: longest stall", "ms", {name: grown.longest_ms for name, grown in seen.items()})
    yield Figure(f"{filling}: time taken", "s", {name: grown.fill_s for name, grown in seen.items()})


def _half_load(size: Size, show: Show) -> Iterator[Figure]:
    row = size.half_load
    with _servers(row.megabytes) as started:
        preload_all(started, row)
        rate, seen = half_load.measure(row, started, size.rounds, size.seconds, show)
    at = f"half load ({rate:,.0f}/s), {row.keys / 1.3e6:g} M items, evicting"
    yield Figure(f"{at}: p50", "ms", {name: found.p50_ms for name, found in seen.items()})
    yield Figure(f"{at}: p99", "ms", {name: found.p99_ms for name, found in seen.items()})
    yield Figure(f"{at}: p99.9", "ms", {name: found.p999_ms for name, found in seen.items()}, reach=2)
    yield Figure(f"{at}: longest", "ms", {name: found.longest_ms for name, found in seen.items()})
    yield Figure(f"{at}: load's own delay, p99.9", "ms", {name: s.load_late_p999_ms for name, s in seen.items()})


def _idle(size: Size, show: Show) -> Iterator[Figure]:
    with _servers() as started:
        preload_all(started, Row(name="idle", ask="get"))
        show(f"{size.idle_seconds:.0f} s")
        seen = at_rest.idle(started, size.idle_seconds)
    yield Figure("idle: CPU of a second", "ms", {name: cpu for name, (cpu, _) in seen.items()})
    yield Figure("idle: wake-ups a second", "", {name: waken for name, (_, waken) in seen.items()})


def _start(size: Size, show: Show) -> Iterator[Figure]:
    seconds = at_rest.first_reply_seconds(contenders.servers(), size.starts, show)
    yield Figure("start to first reply", "s", seconds, reach=0.5, absolute=True)


def _counters(size: Size, show: Show) -> Iterator[Figure]:
    row = Row(name="counters", ask="get")
    with _servers() as started:
        preload_all(started, row)
        yield Figure("stats, once", "µs CPU", at_rest.stats_us(started))
    show("/metrics")
    yield Figure("scrape of /metrics, once", "ms CPU", at_rest.scrape_ms(contenders.servers()[1], row.keys, row.value))


def _memaslap(size: Size, show: Show) -> Iterator[Figure]:
    if not memaslap.available():
        print(f"{memaslap.PROGRAM} is not installed, so there is no second opinion", file=sys.stderr)
        return
    with _servers() as started:
        seen: dict[str, memaslap.Opinion] = {}
        for entry in started:
            show(entry[0].name)
            seen[entry[0].name] = memaslap.run(entry, max(2, round(size.seconds * 2)))
    yield Figure("memaslap, 50 connections: throughput", "/s", {name: found.per_s for name, found in seen.items()})
    yield Figure("memaslap, 50 connections: CPU", "µs", {name: found.cpu_us for name, found in seen.items()})


PARTS: dict[str, Callable[[Size, Show], Iterator[Figure]]] = {
    "latency under growth": _growth,
    "latency at half load": _half_load,
    "idle": _idle,
    "start": _start,
    "counters": _counters,
    "memaslap": _memaslap,
}
