"""Bugs planted in a copy of the server, to prove that the generator finds such things.

Each is one exact string replaced in one file. When the source changes so that the string is no longer
there exactly once, planting fails: then this table needs the new text.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("mcproto", "mcdaemon", "memcache_server")


class NotPlanted(ValueError):
    """The text to replace is not in the file exactly once."""


@dataclass(frozen=True, slots=True)
class Bug:
    """`old` becomes `new` in `file` (relative to the project)."""

    name: str
    file: str
    old: str
    new: str


def plant(bug: Bug, directory: Path) -> Path:
    """Copy the server's packages into the directory and plant the bug there. Raises NotPlanted."""
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    target = directory / bug.file
    source = target.read_text()
    found = source.count(bug.old)
    if found != 1:
        raise NotPlanted(f"{bug.name}: the text is {found} times in {bug.file}, not once: {bug.old!r}")
    target.write_text(source.replace(bug.old, bug.new))
    return directory


PLANTED_BUGS: tuple[Bug, ...] = ()
