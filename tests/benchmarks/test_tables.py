"""Markdown out of the results, between the marks and nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import report, tables
from benchmarks.figures import Figure
from benchmarks.load import Sample
from benchmarks.measure import Played
from benchmarks.rows import Row

THEIRS = Sample(10.0, 90_000, 500, 900, 1000, 0.9, 1.0, 0.0)
OURS = Sample(12.0, 80_000, 550, 990, 2000, 0.96, 0.9, 0.0)
PLAYED = Played(Row(name="get", ask="get", reach=1.1), {"memcached -t 1": [THEIRS], "memcache_server": [OURS]})
FIGURES = (
    Figure("start", "s", {"memcached -t 1": 0.02, "memcache_server": 0.3}, 0.5, absolute=True),
    Figure("scrape", "ms", {"memcache_server": 1234.5}),
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    rows = [report.row_summary(PLAYED)]
    report.save(tmp_path / "server.json", "x", {"rows": rows, "figures": [report.figure_summary(f) for f in FIGURES]})
    return tmp_path


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("costs", "| get | 10.00 | 12.00 | 1.20 | 1.1 ✗ |"),
        ("rows", "| get | 10, 12 | 1.20 |  | 90, 80 | 0.89 | 500, 550 | 1.10 | 900, 990 | 1.10 "
                 "| 1,000, 2,000 | 2.00 | 90 100, 96 90 |"),
        ("figures", "| start, s | 0.02 | 0.3 | 15.00 | 0.5 ✓ |\n| scrape, ms |  | 1,234 |  |  |"),
    ],
)  # fmt: skip
def test_a_section_is_filled(results: Path, name: str, line: str) -> None:
    text = tables.filled(f"before\n<!-- benchmark {name} -->\nold\n<!-- end -->\nafter\n", results)
    assert text.startswith(f"before\n<!-- benchmark {name} -->\n| ")
    assert text.endswith(f"{line}\n<!-- end -->\nafter\n")
    assert "old" not in text
    assert tables.filled(text, results) == text


def test_it_is_said_where_it_was_measured(tmp_path: Path) -> None:
    report.save(tmp_path / "server.json", "x", {"rounds": 5, "seconds": 1.5})
    text = tables.filled("<!-- benchmark about -->\n<!-- end -->\n", tmp_path)
    assert re.search(r"^CPython 3\.\d+\.\S+, Linux \S+, .+, \d{4}-\d\d-\d\d: 5 rounds of 1\.5 s\.$", text, re.MULTILINE)


def test_without_results_a_section_stays(tmp_path: Path) -> None:
    text = "<!-- benchmark costs -->\nold\n<!-- end -->\n"
    assert tables.filled(text, tmp_path) == text


def test_results_of_another_kind_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"rows": [{"workload": "get", "contenders": {}}]}')
    text = "<!-- benchmark costs -->\nold\n<!-- end -->\n"
    assert tables.filled(text, tmp_path) == text


def test_an_unknown_section_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        tables.filled("<!-- benchmark none -->\n<!-- end -->", tmp_path)


def test_other_tables_out_of_the_kept_results() -> None:
    kept = Path(tables.__file__).parent / "results"
    hits = json.loads((kept / "hits.json").read_text())
    assert tables.hit_ratios(hits).count("\n") == len(hits["rows"]) + 1
    memory = json.loads((kept / "memory.json").read_text())
    assert tables.bytes_per_item(memory).count("\n") == len(memory["bytes_per_item"]) + 1


def test_every_section_of_both_files_is_known() -> None:
    root = Path(tables.__file__).parents[1]
    for name in ("README.md", "benchmarks/README.md"):
        for line in (root / name).read_text().splitlines():
            if line.startswith("<!-- benchmark "):
                assert line.split()[2] in tables.TABLES
