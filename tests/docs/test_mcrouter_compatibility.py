"""The proxy's compatibility page names every option, route handle and hash function, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from mcdaemon.options import option_rows
from mcproxy.config.tree import INTERNAL
from mcproxy.hashing import HASH_FUNCTIONS
from mcproxy.mcrouter_options import IGNORED
from mcproxy.routes import ROUTE_HANDLES
from mcproxy.settings import Settings

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "mcrouter-compatibility.md"

# Options of ours, described by --help and docs/kubernetes.md.
OURS = frozenset(
    (
        *("--listen", "--upstream", "--hash", "--nameserver", "--expect", "--discovery-grace"),
        *("--admin", "--drain-timeout", "--log-format", "--on-unavailable", "--single-flight", "--allow-stale"),
    )
)


class Row(NamedTuple):
    """A row of the page: what, whether it is here, why (not), which tests."""

    heading: str
    what: str
    here: str
    notes: str
    tests: str


def rows() -> list[Row]:
    found, heading = [], ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 4 and cells[1] != "here" and not cells[0].startswith("--") and not set(cells[0]) <= {"-"}:
            found.append(Row(heading, *cells))
    return found


ROWS = rows()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.heading}: {row.what}"[:80])
def test_a_row_says_what_is_here_and_names_tests_that_exist(row):
    assert row.here in ("same", "differs", "absent", "ours")
    assert row.notes or row.here in ("same", "ours"), "why?"
    named = re.findall(r"`([^`]+\.py)(?:::(\w+))?[^`]*`", row.tests)
    assert named, "a test is named"
    for path, function in named:
        assert (TESTS / path).is_file()
        assert not function or re.search(rf"def {function}\b", (TESTS / path).read_text())


def test_every_option_is_there():
    text = PAGE.read_text().split("## Options")[1].split("\n## ")[0]
    flags = {flag for row in option_rows(Settings) for flag in row.flags if flag.startswith("--")}
    flags |= {flag for names in IGNORED for flag in names if flag.startswith("--")}
    mentioned = set(re.findall(r"--[a-z0-9-]+", text))
    assert [flag for flag in sorted(flags - mentioned - OURS) if not flag.startswith("--fibers-")] == []


@pytest.mark.parametrize("name", [*sorted(ROUTE_HANDLES), *sorted(INTERNAL)])
def test_every_route_handle_has_a_row(name):
    assert any(re.search(rf"\b{name}\b", row.what) for row in ROWS if row.heading == "Route handles")


@pytest.mark.parametrize("name", sorted(HASH_FUNCTIONS))
def test_every_hash_function_has_a_row(name):
    assert any(f"`{name}`" in row.what for row in ROWS if row.heading == "Hash functions")
