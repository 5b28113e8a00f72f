"""Pictures of results. They need matplotlib; without it there is none, and a line says so."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.hits import HitRatios
from benchmarks.report import RowSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = (
    ("cpu_us", "CPU time of an operation\n(original = 1, shorter is cheaper)"),
    ("per_s", "throughput\n(original = 1, longer is faster)"),
    ("p999_us", "latency, p99.9\n(original = 1, shorter is better)"),
)
_ROW_INCHES, _LONGEST = 0.36, 5.0


def draw_rows(rows: Sequence[RowSummary], title: str, path: Path) -> None:
    """A panel for each of CPU time, throughput and latency; what is to be reached as a black mark."""
    names = list(dict.fromkeys(name for row in rows for name in row["contenders"]))[1:]
    with _Picture(path, (16, 1.6 + _ROW_INCHES * len(rows)), len(_PANELS)) as picture:
        for axes, (measure, label) in zip(picture.panels, _PANELS, strict=True):
            values = {name: [_ratio(row, name, measure) for row in rows] for name in names}
            _bars(axes, values, [row["name"] for row in rows], label)
            axes.axvline(1, color="black", linewidth=0.8)
        for place, row in enumerate(rows):
            if row["reach"] is not None:
                picture.panels[0].plot([row["reach"]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=2.5)
        picture.title(title)


def _ratio(row: RowSummary, name: str, measure: str) -> float | None:
    return row["contenders"][name]["ratio"][measure] if name in row["contenders"] else None


def draw_hits(rows: Sequence[HitRatios], title: str, path: Path) -> None:
    """The hit ratios of each server."""
    values: dict[str, list[float | None]] = {name: [row.percent[name] for row in rows] for name in rows[0].percent}
    with _Picture(path, (9, 1 + 0.5 * len(rows)), 1) as picture:
        _bars(picture.panels[0], values, [row.trace for row in rows], "hits, percent; longer is better", 100)
        picture.title(title)


def _bars(
    axes: "Axes", values: Mapping[str, Sequence[float | None]], rows: Sequence[str], label: str, most: float = _LONGEST
) -> None:
    """Bars in groups, one group a row; what is longer than `most` is cut there, its number is not."""
    height = 0.8 / max(1, len(values))
    for offset, (name, lengths) in enumerate(values.items()):
        known = [(row, length) for row, length in enumerate(lengths) if length is not None]
        places = [row - 0.4 + (offset + 0.5) * height for row, _ in known]
        bars = axes.barh(places, [min(length, most) for _, length in known], height * 0.9, label=name)
        axes.bar_label(bars, [f"{length:.2f}" for _, length in known], padding=3, fontsize=7)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_xlabel(label)


class _Picture:
    """Panels side by side that share their rows; written at the end of the block."""

    def __init__(self, path: Path, inches: tuple[float, float], panels: int) -> None:
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot

        self._path, self._pyplot = path, pyplot
        self._figure, grid = pyplot.subplots(1, panels, figsize=inches, sharey=True, squeeze=False)
        self.panels: list[Axes] = list(grid[0])

    def title(self, text: str) -> None:
        self._figure.suptitle(text)
        self.panels[0].legend(loc="lower right", fontsize=8)

    def __enter__(self) -> "_Picture":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        if error is None:
            self._figure.tight_layout()
            self._figure.savefig(self._path, dpi=110)
        self._pyplot.close(self._figure)


def possible() -> bool:
    """Whether matplotlib is there."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        print("matplotlib is not installed, so there is no picture", file=sys.stderr)
        return False
    return True
