"""Results as lines on the terminal, and as JSON."""

import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure
from benchmarks.hits import HitRatios
from benchmarks.load import Sample
from benchmarks.measure import Played

RowSummary = dict[str, Any]  # a row as row_summary() makes it and the file holds it

MEASURES = tuple(field.name for field in fields(Sample))
_QUIET = 0.02  # share of the time that a server may wait for its core
RATIOS = ("cpu_us", "per_s", "p50_us", "p99_us", "p999_us")


def row_lines(played: Played) -> str:
    """A row for the terminal: a line for each contender."""
    lines = [played.row.name]
    for number, name in enumerate(played.samples):
        cpu, per_s, p50, p99, p999, server, load, _ = (played.figure(name, measure) for measure in MEASURES)
        parts = [f"  {name:<16} {cpu:8.2f} us CPU {per_s:9,.0f}/s"]
        parts.append(f"p50 {p50:7.0f}  p99 {p99:7.0f}  p99.9 {p999:7.0f} us")
        parts.append(f"busy: server {server:4.0%} load {load:4.0%}")
        if number:
            parts.append(f"CPU {played.ratio(name, 'cpu_us'):5.2f}")
        if number == 1:
            parts.append(judged(played.row.reach, played.reached))
        lines.append("  ".join(parts))
    return "\n".join(lines)


def figure_line(figure: Figure) -> str:
    """A figure for the terminal."""
    values = "  ".join(f"{name} {value:,.3f}" for name, value in figure.values.items())
    ratio = "" if figure.ratio is None else f"  ratio {figure.ratio:.2f}"
    return f"{figure.what}, {figure.unit}: {values}{ratio}  {judged(figure.reach, figure.reached)}".rstrip(" :,")


def judged(reach: float | None, reached: bool | None) -> str:
    """What was to be reached and whether it was; empty if nothing was."""
    return "" if reach is None else f"(reach {reach:.2f}: {'yes' if reached else 'NO'})"


def verdict(rows: Sequence[Played], figures: Sequence[Figure] = ()) -> str:
    """The closing lines: how many of what was to be reached, what was not, and whether the machine was quiet."""
    outcomes = [(played.row.name, played.reached) for played in rows] + [(f.what, f.reached) for f in figures]
    judged_ones = [(name, reached) for name, reached in outcomes if reached is not None]
    missed = [name for name, reached in judged_ones if not reached]
    closing = f"reached: {len(judged_ones) - len(missed)} of {len(judged_ones)}"
    lines = [f"{closing}; not reached: {'; '.join(missed)}" if missed else closing]
    waited = [played.figure(name, "server_waited") for played in rows for name in played.samples]
    if waited and median(waited) > _QUIET:
        lines.append(f"NOT a quiet machine: for {median(waited):.0%} of the time somebody else had the servers' core")
    return "\n".join(lines)


def hits_line(row: HitRatios) -> str:
    """A trace for the terminal."""
    (reference, theirs), (name, ours) = row.percent.items()
    rest = f" refused {row.refused}" if any(row.refused.values()) else ""
    return f"{row.trace:<22} | {reference} {theirs:6.2f} % | {name} {ours:6.2f} % | {ours - theirs:+.2f} points{rest}"


def row_summary(played: Played) -> RowSummary:
    """A row for the file: the row as it stands in its table, and the medians of each contender."""
    contenders = {
        name: {
            **{measure: round(played.figure(name, measure), 3) for measure in MEASURES},
            "ratio": {measure: round(played.ratio(name, measure), 3) for measure in RATIOS},
        }
        for name in played.samples
    }
    return {**asdict(played.row), "reached": played.reached, "contenders": contenders}


def figure_summary(figure: Figure) -> dict[str, object]:
    """A figure for the file."""
    return {**asdict(figure), "ratio": figure.ratio, "reached": figure.reached}


def save(path: Path, command: str, results: dict[str, object]) -> None:
    """Everything measured, with where and how."""
    path.parent.mkdir(parents=True, exist_ok=True)
    where = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "python": platform.python_version()}
    about = {"command": command, **where, "kernel": platform.release(), "processor": _processor()}
    path.write_text(json.dumps({**about, **results}, indent=1) + "\n")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
