"""Results as a table on the terminal, as JSON, and as a picture."""

import json
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.hits import HitRatios
from benchmarks.load import Sample


@dataclass
class Row:
    """One workload: the samples of each contender, round by round."""

    workload: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def cpu_us(self, contender: str) -> float:
        """Median CPU time of an operation."""
        return median(sample.cpu_us for sample in self.samples[contender])

    def ratio(self, contender: str) -> float:
        """Median of the rounds' ratios to the reference, the first contender."""
        reference = next(iter(self.samples.values()))
        pairs = zip(self.samples[contender], reference, strict=True)
        return median(ours.cpu_us / theirs.cpu_us for ours, theirs in pairs)


def line(row: Row) -> str:
    """A row for the terminal."""
    parts = [f"{row.workload:<16}"]
    for number, (name, samples) in enumerate(row.samples.items()):
        speed = median(sample.operations_per_s for sample in samples)
        ratio = f" ratio {row.ratio(name):5.2f}" if number else ""
        parts.append(f"{name} {row.cpu_us(name):8.3f} us {speed:9,.0f}/s{ratio}")
    return " | ".join(parts)


def hits_line(row: HitRatios) -> str:
    """A trace for the terminal."""
    (reference, theirs), (name, ours) = row.percent.items()
    rest = f" refused {row.refused}" if any(row.refused.values()) else ""
    return f"{row.trace:<22} | {reference} {theirs:6.2f} % | {name} {ours:6.2f} % | {ours - theirs:+.2f} points{rest}"


def summary(row: Row) -> dict[str, object]:
    """A row for the file."""
    contenders = {
        name: {"cpu_us": round(row.cpu_us(name), 3), "ratio": round(row.ratio(name), 3)} for name in row.samples
    }
    return {"workload": row.workload, "contenders": contenders}


def save(path: Path, command: str, results: dict[str, object]) -> None:
    """Everything measured, with where and how."""
    path.parent.mkdir(parents=True, exist_ok=True)
    where = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "python": platform.python_version()}
    about = {"command": command, **where, "kernel": platform.release()}
    path.write_text(json.dumps({**about, **results}, indent=1) + "\n")


def draw(rows: list[Row], title: str, path: Path) -> None:
    """Bars of the ratios, the reference at 1. Needs matplotlib; without it there is no picture."""
    names = [name for name in rows[0].samples if all(name in row.samples for row in rows)][1:]
    values = {name: [row.ratio(name) for row in rows] for name in names}
    label = "CPU time per operation, original = 1; shorter is cheaper"
    _bars(values, [row.workload for row in rows], (title, label), path, reference=1)


def draw_hits(rows: list[HitRatios], title: str, path: Path) -> None:
    """Bars of the hit ratios of each server. Needs matplotlib, as above."""
    values = {name: [row.percent[name] for row in rows] for name in rows[0].percent}
    _bars(values, [row.trace for row in rows], (title, "hits, percent; longer is better"), path)


def _bars(
    values: dict[str, list[float]], rows: list[str], texts: tuple[str, str], path: Path, reference: float | None = None
) -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.5 * len(rows)))
    height = 0.8 / max(1, len(values))
    for offset, (name, lengths) in enumerate(values.items()):
        places = [position + offset * height for position in range(len(rows))]
        bars = axes.barh(places, lengths, height * 0.9, label=name)
        axes.bar_label(bars, fmt="%.2f", padding=3)
    if reference is not None:
        axes.axvline(reference, color="black", linewidth=1)
    axes.set_yticks([p + 0.4 - height / 2 for p in range(len(rows))], rows)
    axes.margins(x=0.1)
    axes.invert_yaxis()
    axes.set_title(texts[0])
    axes.set_xlabel(texts[1])
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
