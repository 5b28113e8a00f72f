"""The limit of open descriptors, changed in a process of its own."""

import subprocess
import sys

SCRIPT = """
import resource
from mcdaemon import open_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(open_files.allow({connections}), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def outcome(**numbers: int) -> str:
    script = SCRIPT.format(**numbers)
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.strip()


def test_enough_already() -> None:
    assert outcome(soft=500, hard=1000, connections=400) == "True (500, 1000)"


def test_raised_as_far_as_needed() -> None:
    assert outcome(soft=100, hard=1000, connections=400) == "True (464, 1000)"


def test_raised_as_far_as_allowed() -> None:
    assert outcome(soft=100, hard=300, connections=400) == "False (300, 300)"
