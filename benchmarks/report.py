"""Results as a table on the terminal, as JSON, and as a picture."""

import json
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

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


def save(rows: list[Row], memory: dict[str, dict[str, float]], path: Path, command: str) -> None:
    """Everything measured, with where and how."""
    path.parent.mkdir(parents=True, exist_ok=True)
    results = {
        "command": command,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "rows": [
            {
                "workload": row.workload,
                "contenders": {
                    name: {"cpu_us": round(row.cpu_us(name), 3), "ratio": round(row.ratio(name), 3)}
                    for name in row.samples
                },
            }
            for row in rows
        ],
        "bytes_per_item": memory,
    }
    path.write_text(json.dumps(results, indent=1) + "\n")


def draw(rows: list[Row], title: str, path: Path) -> None:
    """Bars of the ratios, the reference at 1. Needs matplotlib; without it there is no picture."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("Agg")
    from matplotlib import pyplot

    names = [name for name in rows[0].samples if all(name in row.samples for row in rows)][1:]
    figure, axes = pyplot.subplots(figsize=(9, 1 + 0.5 * len(rows)))
    height = 0.8 / max(1, len(names))
    for offset, name in enumerate(names):
        places = [position + offset * height for position in range(len(rows))]
        bars = axes.barh(places, [row.ratio(name) for row in rows], height * 0.9, label=name)
        axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks([p + 0.4 - height / 2 for p in range(len(rows))], [row.workload for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("CPU time per operation, original = 1; shorter is cheaper")
    axes.set_title(title)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
