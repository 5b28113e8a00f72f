"""Number rules, each seen on the original."""

import pytest

from mcproto import grammar


@pytest.mark.parametrize(
    ("token", "number"),
    [
        (b"0", 0),
        (b"+1", 1),
        (b"007", 7),
        (b"18446744073709551615", (1 << 64) - 1),
        (b"18446744073709551616", None),
        (b"-1", None),
        (b"-0", 0),
        (b"-18446744073709551615", 1),
        (b"-18446744073709551616", None),
        (b"-", None),
        (b"", None),
        (b"+", None),
        (b"1x", None),
        (b"++1", None),
        ("²".encode(), None),
    ],
)
def test_unsigned(token: bytes, number: int | None) -> None:
    assert grammar.maybe_unsigned(token) == number


@pytest.mark.parametrize(
    ("token", "number"),
    [
        (b"4294967295", 4294967295),
        (b"4294967296", 0),
        (b"-1", None),
        (b"abc", None),
        (b"18446744073709551616", None),
    ],
)
def test_client_flags(token: bytes, number: int | None) -> None:
    assert grammar.maybe_client_flags(token) == number


@pytest.mark.parametrize(
    ("token", "number"),
    [
        (b"0", 0),
        (b"-1", -1),
        (b"+60", 60),
        (b"4294967296", 0),
        (b"4000000000", -294967296),
        (b"x", None),
        (b"-", None),
        (b"1.5", None),
        (b"9223372036854775808", None),
    ],
)
def test_exptime(token: bytes, number: int | None) -> None:
    assert grammar.maybe_exptime(token) == number
