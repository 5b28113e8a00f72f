"""`python -m benchmarks [server] [proxy] [memory]`: everything by default."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks import contenders, load, memory, report
from benchmarks.process import running
from benchmarks.workloads import Workload, workloads

_RESULTS = Path(__file__).parent / "results"
_PROXY_ROWS = ("get", "set", "get pipelined", "set pipelined")
_MEMORY_ROWS = ((30, 100, 200_000, 1_000_000), (30, 1000, 60_000, 300_000))


def main() -> int:
    """Measure, print, save. Exit status 1 when a contender fails."""
    options = _options()
    if len(os.sched_getaffinity(0)) < 2:
        print("two cores are needed: one for what is measured, one for the load", file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {contenders.LOAD_CORE})
    parts = options.parts or ["server", "proxy", "memory"]
    if "server" in parts:
        rows = _measure(contenders.servers(floor=options.floor), _chosen(options), options)
        _keep(rows, {}, "server", "server: CPU per operation beside memcached -t 1")
    if "proxy" in parts:
        with contenders.proxies() as entered:
            chosen = [row for row in _chosen(options) if row.name in _PROXY_ROWS]
            rows = _measure(entered, chosen, options)
        _keep(rows, {}, "proxy", "proxy: CPU per operation beside twemproxy")
    if "memory" in parts:
        _keep([], _measure_memory(), "memory", "")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=["server", "proxy", "memory", []])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row; contenders alternate")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a round")
    parser.add_argument("--only", default="", help="rows whose name contains this")
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


def _measure_memory() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for key_size, value_size, first, last in _MEMORY_ROWS:
        name = f"{key_size} B key, {value_size} B value"
        found[name] = {
            contender.name: round(memory.bytes_per_item(contender, key_size, value_size, first, last), 1)
            for contender in contenders.servers(2048)
        }
        reference, ours = found[name].values()
        print(f"bytes per item, {name}: {found[name]} ratio {ours / reference:.3f}", flush=True)
    return found


def _keep(rows: list[report.Row], items: dict[str, dict[str, float]], name: str, title: str) -> None:
    command = "python -m benchmarks " + " ".join(sys.argv[1:])
    report.save(rows, items, _RESULTS / f"{name}.json", command)
    if rows:
        report.draw(rows, title, _RESULTS / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
