"""Numbers of the text protocol, as the original's strtol and strtoul read them.

A leading `+` and leading zeros are allowed, blanks are not (they end a token), and the whole token
must be digits. `None` stands for "not a number": callers answer, nothing is raised.
"""

import re

from mcproto.limits import U32, U64

SMALL_NUMBERS = {b"%d" % number: number for number in range(2048)}
"""Numbers by their digits, without leading zeros: int() takes three times as long as finding one here."""

_DECIMAL = re.compile(rb"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,2})?")
_MINUS = 0x2D
_I64_MIN, _I64_MAX = -(1 << 63), (1 << 63) - 1


def maybe_unsigned(token: bytes, limit: int = U64) -> int | None:
    """An unsigned number up to `limit`: CAS uniques and deltas. `+1` is taken, `-1` refused.

    strtoull negates what follows a minus sign modulo 2^64, and the original refuses only results from
    2^63 on (util.c safe_strtoull): so `-0` is 0.
    """
    digits = token[1:] if token[:1] in (b"+", b"-") else token
    if not digits.isdigit() or len(digits) > 40:
        return None
    number = int(digits)
    if token[0] == _MINUS and number <= U64:
        number = -number & U64
        return None if number >> 63 else number
    return number if number <= limit else None


def maybe_decimal(token: bytes) -> float | None:
    """A number with an optional fraction and exponent, as admin commands take it."""
    return float(token) if _DECIMAL.fullmatch(token) else None


def maybe_client_flags(token: bytes) -> int | None:
    """Client flags: read as 64 bits, kept as 32, so that 4294967296 is 0."""
    number = maybe_unsigned(token)
    return None if number is None else number & U32


def maybe_exptime(token: bytes) -> int | None:
    """An exptime as sent: a signed 64-bit number cut to its low 32 bits, signed."""
    digits = token[1:] if token[:1] in (b"+", b"-") else token
    if not digits.isdigit() or len(digits) > 40:
        return None
    number = int(token)
    if not _I64_MIN <= number <= _I64_MAX:
        return None
    number &= U32
    return number - (1 << 32) if number & 0x8000_0000 else number


def maybe_int32(token: bytes) -> int | None:
    """A signed 32-bit number in plain digits, at most 11 characters, no plus sign: the exptime of gat and gats."""
    digits = token[1:] if token[:1] == b"-" else token
    if not digits.isdigit() or len(token) > 11:
        return None
    number = int(token)
    return number if -(1 << 31) <= number < 1 << 31 else None
