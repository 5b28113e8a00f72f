"""Waiting for something to become true, and saying what did not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

STEP_S = 0.01

Value = TypeVar("Value")


def wait_until(condition: Callable[[], Value], seconds: float, what: str) -> Value:
    """The first true value of `condition`; AssertionError naming `what` after `seconds` without one."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last: {value!r})")
        time.sleep(STEP_S)
    return value
