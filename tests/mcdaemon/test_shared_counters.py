from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mcdaemon.shared_counters import SharedCounters


def test_rows_add_up_and_do_not_touch() -> None:
    columns = [f"c{number}" for number in range(9)]
    counters = SharedCounters(columns, 3)
    for number in range(3):
        row = counters.row(number)
        assert len(row) == 9
        for at in range(9):
            row[at] += 10**number * (at + 1)
    assert counters.totals() == {name: 111 * (at + 1) for at, name in enumerate(columns)}
    assert counters.total("c8") == 999
    assert counters.values("c1") == [2, 20, 200]
    assert counters.row(1)[counters.column("c4")] == 50


def test_words_are_unsigned_64_bits() -> None:
    row = SharedCounters(("a",), 1).row(0)
    row[0] = 2**64 - 1
    with pytest.raises(ValueError):
        row[0] += 1
    row[0] = 0
    with pytest.raises(ValueError):
        row[0] -= 1


def test_taking_a_row_again_resets_its_gauges_only() -> None:
    counters = SharedCounters(("requests", "connections"), 2, gauges=("connections",))
    for number in range(2):
        counters.row(number)[0] = counters.row(number)[1] = 5
    row = counters.take_row(1)
    assert list(row) == [5, 0]
    assert counters.totals() == {"requests": 10, "connections": 5}


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        SharedCounters((), 1)
    with pytest.raises(ValueError, match="same name"):
        SharedCounters(("a", "a"), 1)
    with pytest.raises(IndexError):
        SharedCounters(("a",), 1).row(1)
    with pytest.raises(KeyError):
        SharedCounters(("a",), 1, gauges=("b",))


FORKING = """
import os
from mcdaemon.shared_counters import SharedCounters
counters = SharedCounters(("a", "b"), 4)
pids = []
for number in range(4):
    if not (pid := os.fork()):
        row = counters.row(number)
        for _ in range(20_000):
            row[0] += 1
            row[1] += 2
        os._exit(0)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
print(counters.totals())
"""


def test_processes_write_at_once_and_nothing_is_lost() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout == "{'a': 80000, 'b': 160000}\n"
