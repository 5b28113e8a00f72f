from __future__ import annotations

from collections.abc import Callable

import pytest

from mcdaemon.option_values import boolean, byte_size, decimal, integer, key_value, octal, one_of


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (boolean, "ON", True),
        (boolean, " no ", False),
        (integer(), "-5", -5),
        (integer(1, 3), "3", 3),
        (decimal(0), "0", 0.0),
        (decimal(above=1, high=2), "1.0001", 1.0001),
        (octal(), "0700", 0o700),
        (byte_size(), "0", 0),
        (byte_size(), "10b", 10),
        (byte_size(), "1G", 1 << 30),
        (one_of("a", "b"), "b", "b"),
        (key_value, "a=b=c", ("a", "b=c")),
        (key_value, "a=", ("a", "")),
        (key_value, "a", ("a", None)),
    ],
)
def test_accepts(parse: Callable[[str], object], text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (boolean, "2"),
        (integer(), "1.0"),
        (integer(), ""),
        (integer(high=3), "4"),
        (decimal(), "inf"),
        (decimal(), "one"),
        (decimal(0, 1), "1.5"),
        (decimal(above=1), "1"),
        (octal(), "8"),
        (octal(), "1000"),
        (byte_size(), "-1"),
        (byte_size(), "1.5m"),
        (byte_size(), "1t"),
        (byte_size(high=1024), "2k"),
        (one_of("a"), "A"),
        (key_value, "=x"),
    ],
)
def test_refuses(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match=r"is|has"):
        parse(text)
