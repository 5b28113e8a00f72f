"""A whole run in small: rows, figures, JSON and pictures."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import chart, server
from benchmarks.measure import Started, play_row
from benchmarks.rows import Row
from tests.benchmarks.conftest import ORIGINAL, OURS

ROWS = (
    Row(name="get", ask="get", connections=2, keys=100, megabytes=64, reach=100, quick=True),
    Row(name="set", ask="set", connections=2, keys=100, megabytes=64),
)
TINY = server.Size(
    growth_items=500,
    half_load=Row(name="half load", ask="churn", connections=5, keys=30_000, megabytes=2),
    rounds=1, seconds=0.1, idle_seconds=0.05, starts=1,
)  # fmt: skip


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(command, "ROWS", ROWS)
    monkeypatch.setattr(command, "_RESULTS", tmp_path / "whole")
    monkeypatch.setattr(command, "_PASSING", tmp_path / "passing")
    monkeypatch.setattr(server, "FULL", TINY)
    for part in ("counters", "memaslap"):  # have tests of their own
        monkeypatch.delitem(server.PARTS, part)
    yield tmp_path
    gc.enable()


@pytest.mark.usefixtures("servers")
def test_a_run_prints_and_keeps(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["server", "--rounds", "2", "--seconds", "0.02"]) == 0
    kept = json.loads((results / "whole" / "server.json").read_text())
    assert [row["name"] for row in kept["rows"]] == ["get", "set"]
    assert kept["rows"][0]["reached"] is True
    assert set(kept["rows"][0]["contenders"]) == {ORIGINAL, OURS}
    assert {figure["what"].partition(":")[0].partition(" (")[0] for figure in kept["figures"]} == {
        "filling 0 to 0.0005 M items", "half load", "idle", "start to first reply",
    }  # fmt: skip
    for name in ("server.png", "server-all.png"):
        assert (results / "whole" / name).read_bytes().startswith(b"\x89PNG")
    out, err = capsys.readouterr()
    assert "reached: " in out
    assert "round 2 of 2, the other" in err


@pytest.mark.usefixtures("servers")
def test_part_of_a_run_replaces_no_results(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chart, "possible", lambda: False)
    assert command.main(["server", "--only", "set", "--rounds", "1", "--seconds", "0.02"]) == 0
    assert {path.name for path in (results / "passing").iterdir()} == {"server.json"}
    assert not (results / "whole").exists()


def test_one_core_is_not_enough(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert command.main(["server"]) == 1


def test_a_row_that_should_evict_and_does_not_is_void(memcached: Started) -> None:
    row = Row(name="evicting", ask="fill", connections=1, keys=100, evicts=True)
    with pytest.raises(RuntimeError, match="evicted nothing"):
        play_row(row, [memcached], 1, 0.02, lambda _: None)
