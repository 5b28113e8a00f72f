"""Reads the tables of docs/compatibility*.md: one row for each name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("compatibility.md", "compatibility-flags.md", "compatibility-stats.md")
HEADER = re.compile(r"\| (command|flag|option|name) \| here \| notes \| test \|")
HEADING = re.compile(r"#{2,3} (.+)")
NAME = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    """`name` under a heading: what is here (same, differs, absent, ours), why, and the test, "" without."""

    heading: str
    name: str
    here: str
    notes: str
    test: str


def _row(heading: str, line: str) -> Row:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == 4, line
    name = NAME.fullmatch(cells[0])
    assert name is not None, line
    return Row(heading, name[1], cells[1], cells[2], cells[3].strip("`"))


def rows() -> list[Row]:
    """All rows of all pages. AssertionError for a line of a table that is none."""
    found: list[Row] = []
    for page in PAGES:
        heading, within = "", False
        for line in (DOCS / page).read_text().splitlines():
            if named := HEADING.fullmatch(line):
                heading = named[1]
            within = line.startswith("|") and (within or HEADER.fullmatch(line) is not None)
            if within and not HEADER.fullmatch(line) and not line.startswith("|---"):
                found.append(_row(heading, line))
    return found


ROWS = rows()


def under(*headings: str) -> dict[str, Row]:
    """The rows under these headings by name."""
    return {row.name: row for row in ROWS if row.heading in headings}
