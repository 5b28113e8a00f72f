"""Counters that several processes write and all can read: unsigned 64-bit words in shared anonymous memory.

        column:      0            1                2
                 requests   client_bytes   connections
    row 0           …            …               …        written by worker 0 only
    row 1           …            …               …        written by worker 1 only
    sum ──────────────────────────────────────────────    read by anybody

One writer a row, so no locks; an aligned 64-bit store is never seen half done. Create before forking.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence

_WORD = 8
_LINE_WORDS = 8  # a row starts on a cache line of its own: writers do not slow each other


class SharedCounters:
    """Counters by row and column; `gauges` are columns that return to 0 when a row gets a new writer."""

    def __init__(self, columns: Sequence[str], rows: int, *, gauges: Sequence[str] = ()) -> None:
        if rows < 1 or not columns:
            raise ValueError("at least one row and one column")
        self.columns = tuple(columns)
        self.rows = rows
        self._index = {name: at for at, name in enumerate(self.columns)}
        if len(self._index) != len(self.columns):
            raise ValueError("two columns of the same name")
        self._gauges = [self._index[name] for name in gauges]
        self._stride = -(-len(self.columns) // _LINE_WORDS) * _LINE_WORDS
        memory = mmap.mmap(-1, rows * self._stride * _WORD)  # MAP_SHARED | MAP_ANONYMOUS: kept over fork
        self._words = memoryview(memory).cast("Q")

    def column(self, name: str) -> int:
        """Where `name` is in a row; KeyError when there is none."""
        return self._index[name]

    def row(self, number: int) -> memoryview:
        """A worker's own words, to be bumped in place: `row[column] += 1`. ValueError beyond 64 bits or 0."""
        if not 0 <= number < self.rows:
            raise IndexError(f"no row {number}")
        start = number * self._stride
        return self._words[start : start + len(self.columns)]

    def take_row(self, number: int) -> memoryview:
        """The row for a (re)started worker: totals go on, gauges start at 0."""
        row = self.row(number)
        for at in self._gauges:
            row[at] = 0
        return row

    def total(self, name: str) -> int:
        """Sum of one column over all workers."""
        return sum(self._words[self._index[name] :: self._stride])

    def totals(self) -> dict[str, int]:
        """Sums of all columns."""
        return {name: sum(self._words[at :: self._stride]) for name, at in self._index.items()}

    def values(self, name: str) -> list[int]:
        """One column, a value per worker: for pids and states, which do not add up."""
        return list(self._words[self._index[name] :: self._stride])
