"""What is printed of results."""

from __future__ import annotations

from dataclasses import replace

from benchmarks import report
from benchmarks.figures import Figure
from benchmarks.measure import Played
from benchmarks.rows import Row
from tests.benchmarks.test_tables import FIGURES, OURS, PLAYED, THEIRS


def test_ratios_are_medians_of_rounds() -> None:
    ours = [replace(OURS, cpu_us=cpu) for cpu in (10.0, 30.0, 12.0)]
    theirs = [replace(THEIRS, cpu_us=cpu) for cpu in (10.0, 10.0, 8.0)]
    played = Played(Row(name="get", ask="get"), {"theirs": theirs, "ours": ours})
    assert played.ratio("ours", "cpu_us") == 1.5
    assert played.figure("ours", "cpu_us") == 12.0
    assert played.reached is None


def test_a_row_says_whether_it_reached_its_figure() -> None:
    lines = report.row_lines(PLAYED).splitlines()
    assert lines[0] == "get"
    assert lines[2].endswith("busy: server  96% load  90%  CPU  1.20  (reach 1.10: NO)")


def test_a_figure_line() -> None:
    assert report.figure_line(FIGURES[0]).endswith("ratio 15.00  (reach 0.50: yes)")
    assert report.figure_line(FIGURES[1]) == "scrape, ms: memcache_server 1,234.500"


def test_the_verdict_names_what_was_missed() -> None:
    assert report.verdict([PLAYED], FIGURES) == "reached: 1 of 2; not reached: get"
    assert report.verdict([], FIGURES) == "reached: 1 of 1"


def test_a_machine_with_others_on_it_is_called_so() -> None:
    samples = {name: [replace(rounds[0], server_waited=0.3)] for name, rounds in PLAYED.samples.items()}
    assert "NOT a quiet machine: for 30% of the time" in report.verdict([Played(PLAYED.row, samples)])


def test_nothing_to_divide_by() -> None:
    figure = Figure("x", "ms", {"theirs": 0.0, "ours": 1.0}, reach=2)
    assert figure.ratio is None
    assert figure.reached is False
