"""The Markdown tables of both READMEs, rewritten from the results of the last whole run.

A table stands between `<!-- benchmark NAME -->` and `<!-- end -->`, with NAME a key of TABLES; everything else is left
alone.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Results = dict[str, Any]

_FILES = ("README.md", "benchmarks/README.md")
_SECTION = re.compile(r"(<!-- benchmark ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def rewrite(results: Path, root: Path) -> None:
    """Fill every section of both files whose results are there."""
    for name in _FILES:
        path = root / name
        before = path.read_text()
        after = filled(before, results)
        if after != before:
            path.write_text(after)
        print(f"{name}: {'rewritten' if after != before else 'as it was'}", file=sys.stderr)


def filled(text: str, results: Path) -> str:
    """The text with its sections made anew, where their results can be read; KeyError for an unknown section."""

    def section(found: re.Match[str]) -> str:
        source, table = TABLES[found[2]]
        path = results / f"{source}.json"
        try:
            return f"{found[1]}{table(json.loads(path.read_text()))}\n{found[3]}"
        except (FileNotFoundError, KeyError) as error:
            print(f"{found[2]} stays: {path.name} is not there or of another kind ({error!r})", file=sys.stderr)
            return found[0]

    return _SECTION.sub(section, text)


def about(results: Results) -> str:
    """Where and when it was measured, and how long."""
    return (
        f"CPython {results['python']}, Linux {results['kernel']}, {results['processor']}, {results['at'][:10]}: "
        f"{results['rounds']} rounds of {results['seconds']:g} s."
    )


def costs(results: Results) -> str:
    """What is to be reached, and what is."""
    rows = [[row["name"], *_cpu(row), _reach(row)] for row in results["rows"] if row["reach"] is not None]
    header = ["CPU µs of an operation", *list(results["rows"][0]["contenders"])[:2], "ratio", "reach"]
    return _table(header, rows)


def rows(results: Results) -> str:
    """Every row: each measure of the original and of ours, and the ratios."""
    header = ["", "CPU µs", "÷", "floor", "1000/s", "÷", "p50 µs", "÷", "p99 µs", "÷", "p99.9 µs", "÷", "busy, %"]
    return _table(header, [_row(row) for row in results["rows"]])


def figures(results: Results) -> str:
    """What is no row."""
    body = []
    for figure in results["figures"]:
        values = list(figure["values"].values())
        theirs = _number(values[0]) if len(values) > 1 else ""
        ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
        what = f"{figure['what']}, {figure['unit']}".rstrip(", ")
        body.append([what, theirs, _number(values[-1]), ratio, _reach(figure)])
    return _table(["", "memcached -t 1", "memcache_server", "ratio", "reach"], body)


def proxy(results: Results) -> str:
    """The proxy's rows: CPU time of an operation, and each of ours as a ratio."""
    original, *ours = results["rows"][0]["contenders"]
    body = [
        [
            row["name"],
            f"{row['contenders'][original]['cpu_us']:.2f}",
            *(f"{row['contenders'][name]['ratio']['cpu_us']:.2f}" for name in ours),
            _reach(row),
        ]
        for row in results["rows"]
    ]
    return _table(["", f"{original}, CPU µs", *(f"{name}, ÷" for name in ours), "reach"], body)


def hit_ratios(results: Results) -> str:
    """Percent of the gets that hit."""
    body = []
    for row in results["rows"]:
        theirs, ours = row["percent"].values()
        body.append([row["trace"], f"{theirs:.2f}", f"{ours:.2f}", f"{ours - theirs:+.2f}"])
    return _table(["trace", "memcached 1.6.18", "ours", "points"], body)


def bytes_per_item(results: Results) -> str:
    """Resident bytes of an item."""
    body = []
    for name, values in results["bytes_per_item"].items():
        theirs, ours = values.values()
        body.append([name, f"{theirs:.1f}", f"{ours:.1f}", f"{ours / theirs:.3f}"])
    return _table(["items", "memcached 1.6.18", "ours", "ratio"], body)


def _cpu(row: Results) -> list[str]:
    theirs, ours = list(row["contenders"].values())[:2]
    return [f"{theirs['cpu_us']:.2f}", f"{ours['cpu_us']:.2f}", f"{ours['ratio']['cpu_us']:.2f}"]


def _row(row: Results) -> list[str]:
    theirs, ours, *floor = row["contenders"].values()
    cells = [row["name"]]
    for measure, divisor in (("cpu_us", 1), ("per_s", 1000), ("p50_us", 1), ("p99_us", 1), ("p999_us", 1)):
        pair = f"{_number(theirs[measure] / divisor)}, {_number(ours[measure] / divisor)}"
        cells += [pair, f"{ours['ratio'][measure]:.2f}"]
        if measure == "cpu_us":
            cells.append(_number(floor[0]["cpu_us"]) if floor else "")
    busy = (f"{100 * entry['server_busy']:.0f} {100 * entry['load_busy']:.0f}" for entry in (theirs, ours))
    return [*cells, ", ".join(busy)]


def _reach(entry: Results) -> str:
    if entry["reach"] is None:
        return ""
    return f"{entry['reach']:g} {'✓' if entry['reached'] else '✗'}"


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _table(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *body]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


TABLES: dict[str, tuple[str, Callable[[Results], str]]] = {
    "about": ("server", about),
    "costs": ("server", costs),
    "rows": ("server", rows),
    "figures": ("server", figures),
    "proxy": ("proxy", proxy),
    "hits": ("hits", hit_ratios),
    "memory": ("memory", bytes_per_item),
}
