"""`python -m benchmarks [server] [proxy] [memory] [hits] [tables]`: everything but the tables by default."""

import argparse
import gc
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks import chart, contenders, hits, memory, report, server, tables
from benchmarks.measure import Played, play
from benchmarks.process import running
from benchmarks.rows import PROXY_ROWS, ROWS, Row, chosen
from benchmarks.traces import TRACES

_HERE = Path(__file__).parent
_RESULTS = _HERE / "results"
_PASSING = _RESULTS / "passing"
"""Where results go that are not those of a whole run, so that they replace none."""

_MEMORY_ROWS: tuple[tuple[str, int, tuple[int, ...], int, int], ...] = (
    ("30 B key, 10 B value", 30, (10,), 200_000, 1_000_000),
    ("30 B key, 100 B value", 30, (100,), 200_000, 1_000_000),
    ("30 B key, 1000 B value", 30, (1000,), 200_000, 1_000_000),
    ("30 B key, 10 B to 2 KB value", 30, memory.MIXED, 200_000, 1_000_000),
)
_FULL_ROWS = ((64, (100,)), (64, memory.MIXED), (1024, (100,)), (1024, memory.MIXED))
_HITS_MEGABYTES = 64
_FULL, _QUICK = (5, 1.5), (3, 0.35)  # rounds, and seconds of a round


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, save. Exit status 1 where there are not two cores."""
    options = _options(arguments)
    if options.parts == ["tables"]:
        tables.rewrite(_RESULTS, _HERE.parent)
        return 0
    if len(os.sched_getaffinity(0)) < 2:
        print("two cores are needed: one for what is measured, one for the load", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {contenders.LOAD_CORE})
    gc.disable()  # no pause of the load's own
    for part in options.parts or ("server", "proxy", "memory", "hits"):
        _PARTS[part](options)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, "tables", []])
    parser.add_argument("--quick", action="store_true", help="main rows, short rounds: the server in two minutes")
    parser.add_argument("--rounds", type=int, help="rounds of each row; contenders alternate")
    parser.add_argument("--seconds", type=float, help="length of a round")
    parser.add_argument("--only", default="", help="rows and parts whose name contains this")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of each trace of hits")
    options = parser.parse_args(arguments)
    rounds, seconds = _QUICK if options.quick else _FULL
    options.rounds, options.seconds = options.rounds or rounds, options.seconds or seconds
    options.results = _PASSING if options.quick or options.only else _RESULTS
    return options


def _measure_server(options: argparse.Namespace) -> None:
    rows = _play(options, chosen(ROWS, options.only, options.quick), lambda size: contenders.servers(size, floor=True))
    figures = server.figures(
        options.only, server.QUICK if options.quick else server.FULL, lambda found: print(report.figure_line(found))
    )
    print(report.verdict(rows, figures))
    summaries = [report.row_summary(played) for played in rows]
    _save(options, "server", rows=summaries, figures=[report.figure_summary(found) for found in figures])
    _draw(options, "server", "memcache_server beside memcached -t 1", summaries)


def _measure_proxy(options: argparse.Namespace) -> None:
    with contenders.proxies() as entered:
        rows = _play(options, chosen(PROXY_ROWS, options.only, options.quick), lambda _: entered)
    print(report.verdict(rows))
    summaries = [report.row_summary(played) for played in rows]
    _save(options, "proxy", rows=summaries)
    _draw(options, "proxy", "mcproxy beside twemproxy", summaries)


def _play(
    options: argparse.Namespace, rows: tuple[Row, ...], entered: Callable[[int], list[contenders.Contender]]
) -> list[Played]:
    def tell(played: Played) -> None:
        print(report.row_lines(played), flush=True)

    return play(rows, entered, options.rounds, options.seconds, tell)


def _measure_memory(options: argparse.Namespace) -> None:
    items, full = _measure_items(options.only), _measure_full(options.only)
    _save(options, "memory", bytes_per_item=items, megabytes_when_full=full)


def _measure_items(only: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, key_size, values, first, last in _MEMORY_ROWS:
        if only in name:
            found[name] = {
                contender.name: round(memory.bytes_per_item(contender, key_size, values, first, last), 1)
                for contender in contenders.servers(2048)
            }
            reference, ours = found[name].values()
            print(f"bytes per item, {name}: {found[name]} ratio {ours / reference:.3f}", flush=True)
    return found


def _measure_full(only: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for megabytes, values in _FULL_ROWS:
        name = f"-m {megabytes}, {values[0]} B value" if len(values) == 1 else f"-m {megabytes}, 10 B to 2 KB value"
        if only in name:
            found[name] = {
                contender.name: round(memory.bytes_when_full(contender, 30, values, megabytes) / (1 << 20), 1)
                for contender in contenders.servers(megabytes)
            }
            print(f"MB of a full process, {name}: {found[name]} bound {1.1 * megabytes + 45:.1f}", flush=True)
    return found


def _measure_hits(options: argparse.Namespace) -> None:
    done = []
    for trace in TRACES:
        if options.only in trace.name:
            with ExitStack() as stack:
                ports = {
                    entered.name: stack.enter_context(running(entered.command, contenders.MEASURED_CORE))[1]
                    for entered in contenders.servers(_HITS_MEGABYTES)
                }
                done.append(hits.measure(trace, ports, options.requests, _HITS_MEGABYTES << 20))
            print(report.hits_line(done[-1]), flush=True)
    _save(options, "hits", memory_megabytes=_HITS_MEGABYTES, rows=[asdict(row) for row in done])
    if done and chart.possible():
        chart.draw_hits(done, f"hit ratio at -m {_HITS_MEGABYTES}", options.results / "hits.png")


def _save(options: argparse.Namespace, name: str, **results: object) -> None:
    command = "python -m benchmarks " + " ".join(sys.argv[1:])
    results = {"rounds": options.rounds, "seconds": options.seconds, **results}
    report.save(options.results / f"{name}.json", command, results)


def _draw(options: argparse.Namespace, name: str, title: str, rows: list[report.RowSummary]) -> None:
    """One picture of the main rows, one of all where there are more."""
    main_rows = [row for row in rows if row["quick"]]
    if rows and chart.possible():
        chart.draw_rows(main_rows or rows, title, options.results / f"{name}.png")
        if 0 < len(main_rows) < len(rows):
            chart.draw_rows(rows, title, options.results / f"{name}-all.png")
    print(f"results are in {options.results}", file=sys.stderr)


_PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "server": _measure_server,
    "proxy": _measure_proxy,
    "memory": _measure_memory,
    "hits": _measure_hits,
}

if __name__ == "__main__":
    sys.exit(main())
