"""How long an item is to live, as a test can ask for it."""

from __future__ import annotations

SLACK_S = 8


def near(seconds: int) -> range:
    """The seconds left a moment after `seconds` were set: fewer on a busy machine, never more."""
    return range(max(1, seconds - SLACK_S), seconds + 1)
