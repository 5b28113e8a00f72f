"""Metrics as literal tables of rows; a row and its current values become Prometheus text.

    ROWS = (
        MetricRow("memcached_commands_total", "counter", "Commands and outcomes.", ("command", "status")),
        MetricRow("memcached_current_items", "gauge", "Items now in the cache."),
    )
    families(ROWS, {"memcached_commands_total": {("get", "hit"): 7}, "memcached_current_items": 3})

Names are contracts with dashboards: a sample is called exactly what its row says. The text format's counters
must end in `_total`, but some exporters have counters that do not; those are exposed untyped, because only
so does the name stay what it is, in both formats. prometheus_client is imported when a scrape needs it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from prometheus_client import Metric

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SUFFIX = "_total"


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric, as scraped: its full name, type, help text and label names."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Histogram:
    """Observations: `counts[i]` were ≤ `bounds[i]` and above the bound before; one count more than bounds."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


Scalar = float | Histogram
Values = Mapping[str, Scalar | Mapping[tuple[str, ...], Scalar]]


def families(rows: Iterable[MetricRow], values: Values) -> Iterator[Metric]:
    """One family per row that has a value: a number or Histogram, or with labels a mapping from their values.

    Raises KeyError for a value without a row: a metric nobody declared.
    """
    known = {row.name: row for row in rows}
    if strangers := values.keys() - known.keys():
        raise KeyError(f"metrics without a row: {', '.join(sorted(strangers))}")
    for name, row in known.items():
        if name in values:
            yield _family(row, values[name])


def _family(row: MetricRow, value: Scalar | Mapping[tuple[str, ...], Scalar]) -> Metric:
    from prometheus_client import Metric

    name, kind = row.name, row.kind
    if kind == "counter" and name.endswith(_SUFFIX):
        family = Metric(name.removesuffix(_SUFFIX), row.help, "counter")
    else:
        family = Metric(name, row.help, "unknown" if kind == "counter" else kind)
    series = value if isinstance(value, Mapping) else {(): value}
    for label_values, number in series.items():
        labels = dict(zip(row.labels, label_values, strict=True))
        if isinstance(number, Histogram):
            _add_histogram(family, name, labels, number)
        else:
            family.add_sample(name, labels, number)
    return family


def _add_histogram(family: Metric, name: str, labels: dict[str, str], histogram: Histogram) -> None:
    running = 0
    for bound, count in zip((*histogram.bounds, float("inf")), histogram.counts, strict=True):
        running += count
        family.add_sample(
            f"{name}_bucket",
            {**labels, "le": "+Inf" if bound == float("inf") else repr(float(bound))},
            running,
        )
    family.add_sample(f"{name}_count", labels, running)
    family.add_sample(f"{name}_sum", labels, histogram.sum)


def render(collect: Callable[[], Iterable[Metric]], accept: str) -> tuple[bytes, str]:
    """The text of one scrape and its content type, in the format that the Accept header asks for."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector

    class Scrape(Collector):
        def collect(self) -> Iterable[Metric]:
            return collect()

    registry = CollectorRegistry(auto_describe=False)  # private: never the library's global one
    registry.register(Scrape())
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


PROCESS_ROWS = (
    MetricRow("process_cpu_seconds_total", "counter", "User and system CPU time, in seconds."),
    MetricRow("process_resident_memory_bytes", "gauge", "Resident memory, in bytes."),
    MetricRow("process_virtual_memory_bytes", "gauge", "Virtual memory, in bytes."),
    MetricRow("process_open_fds", "gauge", "Open file descriptors."),
    MetricRow("process_max_fds", "gauge", "Limit of open file descriptors of one process."),
    MetricRow("process_start_time_seconds", "gauge", "Start of the oldest process, in seconds of Unix time."),
)


def process_families(pids: Sequence[int] = (), prefix: str = "") -> Iterator[Metric]:
    """PROCESS_ROWS of this process, or summed over `pids`; `prefix` goes before every name.

    A pid that has gone is left out. Memory that several processes share counts once for each.
    """
    seen = [found for pid in pids or (os.getpid(),) if (found := _maybe_process(pid))]
    if not seen:
        return
    values = {row.name: sum(process[row.name] for process in seen) for row in PROCESS_ROWS}
    values["process_max_fds"] = min(process["process_max_fds"] for process in seen)
    values["process_start_time_seconds"] = min(process["process_start_time_seconds"] for process in seen)
    rows = [MetricRow(prefix + row.name, row.kind, row.help) for row in PROCESS_ROWS]
    yield from families(rows, {prefix + name: value for name, value in values.items()})


def _maybe_process(pid: int) -> dict[str, float] | None:
    """proc(5): fields of stat after the command's closing bracket, so field 14 (utime) is index 11 here."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        open_fds = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        boot_at = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    except OSError:
        return None
    max_fds = next(line for line in limits if line.startswith("Max open files")).split()[3]
    return {
        "process_cpu_seconds_total": (int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        "process_start_time_seconds": int(boot_at.split()[1]) + int(fields[19]) / _TICKS_PER_S,
        "process_virtual_memory_bytes": int(fields[20]),
        "process_resident_memory_bytes": int(fields[21]) * _PAGE_BYTES,
        "process_open_fds": open_fds,
        "process_max_fds": float(max_fds) if max_fds.isdecimal() else float("inf"),
    }


def build_info(prefix: str, version: str) -> Iterator[Metric]:
    """`PREFIX_build_info{version,pythonversion} 1`."""
    row = MetricRow(
        f"{prefix}_build_info", "gauge", "Always 1; the labels say what runs.", ("version", "pythonversion")
    )
    return families((row,), {row.name: {(version, platform.python_version()): 1}})
