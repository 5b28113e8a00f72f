"""What an option's text may be: each parser takes the text and returns the value or raises ValueError.

The errors' texts complete a line that starts with the option's name: `--port: "x" is not a whole number`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_SIZE = re.compile(r"(\d+)([kmg]?)b?", re.IGNORECASE)
_SIZE_SHIFT = {"": 0, "k": 10, "m": 20, "g": 30}


def boolean(text: str) -> bool:
    """1, true, yes, on and their opposites, in any case."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f'"{text}" is neither true nor false')


def integer(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """A whole number within the limits, both included."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise ValueError(f'"{text}" is not a whole number') from None
        _check_range(text, value, low, high)
        return value

    return parse


def decimal(
    low: float | None = None, high: float | None = None, *, above: float | None = None
) -> Callable[[str], float]:
    """A finite number within the limits, both included; `above` is a limit not included."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f'"{text}" is not a number') from None
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError(f'"{text}" is not a finite number')
        if above is not None and value <= above:
            raise ValueError(f"{text} is not greater than {above:g}")
        _check_range(text, value, low, high)
        return value

    return parse


def octal(low: int = 0, high: int = 0o777) -> Callable[[str], int]:
    """File permission bits in octal digits, as chmod takes them: 700 or 0700."""

    def parse(text: str) -> int:
        try:
            value = int(text, 8)
        except ValueError:
            raise ValueError(f'"{text}" is not an octal number') from None
        if not low <= value <= high:
            raise ValueError(f"{text} is not between {low:o} and {high:o}")
        return value

    return parse


def byte_size(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """Bytes; the suffixes k, m and g multiply by powers of 1024 (`1m` is 1048576)."""

    def parse(text: str) -> int:
        match = _SIZE.fullmatch(text.strip())
        if match is None:
            raise ValueError(f'"{text}" is not a size such as 65536, 64k or 1m')
        value = int(match[1]) << _SIZE_SHIFT[match[2].lower()]
        _check_range(text, value, low, high)
        return value

    return parse


def one_of(*words: str) -> Callable[[str], str]:
    """One of the given words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f'"{text}" is not one of {", ".join(words)}')
        return text

    return parse


def key_value(text: str) -> tuple[str, str | None]:
    """`name=value` → (name, value); a bare `name` → (name, None)."""
    name, equals, value = text.partition("=")
    if not name:
        raise ValueError(f'"{text}" has no name before its value')
    return name, value if equals else None


def _check_range(text: str, value: float, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low <= value <= high:
        raise ValueError(f"{text} is not between {low} and {high}")
    if low is not None and value < low:
        raise ValueError(f"{text} is less than {low}")
    if high is not None and value > high:
        raise ValueError(f"{text} is more than {high}")
