"""`python -m benchmarks [server] [proxy] [memory] [hits]`: everything by default."""

import argparse
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from benchmarks import contenders, hits, load, memory, report
from benchmarks.process import running
from benchmarks.traces import TRACES
from benchmarks.workloads import Workload, workloads

_RESULTS = Path(__file__).parent / "results"
_PROXY_ROWS = ("get", "set", "get pipelined", "set pipelined")
_PARTS = ("server", "proxy", "memory", "hits")
_MEMORY_ROWS: tuple[tuple[str, int, tuple[int, ...], int, int], ...] = (
    ("30 B key, 10 B value", 30, (10,), 200_000, 1_000_000),
    ("30 B key, 100 B value", 30, (100,), 200_000, 1_000_000),
    ("30 B key, 1000 B value", 30, (1000,), 200_000, 1_000_000),
    ("30 B key, 10 B to 2 KB value", 30, memory.MIXED, 200_000, 1_000_000),
)
_FULL_ROWS = ((64, (100,)), (64, memory.MIXED), (1024, (100,)), (1024, memory.MIXED))
_HITS_MEGABYTES = 64


def main() -> int:
    """Measure, print, save. Exit status 1 when a contender fails."""
    options = _options()
    if len(os.sched_getaffinity(0)) < 2:
        print("two cores are needed: one for what is measured, one for the load", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {contenders.LOAD_CORE})
    parts = options.parts or _PARTS
    if "server" in parts:
        rows = _measure(contenders.servers(floor=options.floor), _chosen(options), options)
        _keep_rows(rows, "server", "server: CPU per operation beside memcached -t 1")
    if "proxy" in parts:
        with contenders.proxies() as entered:
            chosen = [row for row in _chosen(options) if row.name in _PROXY_ROWS]
            rows = _measure(entered, chosen, options)
        _keep_rows(rows, "proxy", "proxy: CPU per operation beside twemproxy")
    if "memory" in parts:
        _save("memory", bytes_per_item=_measure_items(options.only), megabytes_when_full=_measure_full(options.only))
    if "hits" in parts:
        _measure_hits(options)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*_PARTS, []])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row; contenders alternate")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a round")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--requests", type=int, default=1_000_000, help="of each trace of hits")
    parser.add_argument("--floor", action="store_true", help="also a uvloop server with one constant reply")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Workload]:
    return [workload for workload in workloads() if options.only in workload.name]


def _measure(
    entered: list[contenders.Contender], rows: list[Workload], options: argparse.Namespace
) -> list[report.Row]:
    """Start all contenders, then for each row alternate between them, round by round."""
    done: list[report.Row] = []
    loaded: dict[int, int] = {}
    with ExitStack() as stack:
        started = [(c, *stack.enter_context(running(c.command, contenders.MEASURED_CORE))) for c in entered]
        for workload in rows:
            players = [entry for entry in started if workload.name in (entry[0].rows or (workload.name,))]
            row = report.Row(workload.name, {contender.name: [] for contender, _, _ in players})
            for contender, _, port in players:
                if not contender.rows and loaded.get(port) != workload.value_size:
                    load.preload(port, workload)
                    loaded[port] = workload.value_size
            for number in range(options.rounds):
                for contender, pid, port in players:
                    print(f"\r{workload.name}: round {number + 1}, {contender.name:<30}", end="", file=sys.stderr)
                    row.samples[contender.name].append(load.run(port, pid, workload, options.seconds))
            print("\r" + " " * 70 + "\r", end="", file=sys.stderr)
            print(report.line(row), flush=True)
            done.append(row)
    return done


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
    _save("hits", memory_megabytes=_HITS_MEGABYTES, rows=[asdict(row) for row in done])
    report.draw_hits(done, f"hit ratio at -m {_HITS_MEGABYTES}", _RESULTS / "hits.png")


def _keep_rows(rows: list[report.Row], name: str, title: str) -> None:
    _save(name, rows=[report.summary(row) for row in rows])
    report.draw(rows, title, _RESULTS / f"{name}.png")


def _save(name: str, **results: object) -> None:
    report.save(_RESULTS / f"{name}.json", "python -m benchmarks " + " ".join(sys.argv[1:]), results)


if __name__ == "__main__":
    sys.exit(main())
