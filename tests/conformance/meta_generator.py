"""Random meta requests, for the generator: flags in any order, few keys (the classic commands' own), base64 or not."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

from tests.conformance.script import PREFIX

Draw = random.Random
Producer = Callable[[Draw], bytes]

KEYS = tuple(PREFIX + tail for tail in (b"a", b"b", b"c"))
BINARY_KEYS = (*KEYS, PREFIX + b" x", PREFIX + b"\r\n", PREFIX + b"\xff\xfe")
EXPTIMES = (b"0", b"0", b"100", b"100", b"1000", b"-1", b"2592001", b"+30", b"4294967296")
RECACHES = (b"0", b"30", b"200", b"2000", b"-1", b"2592001")
NUMBERS = (b"0", b"1", b"5", b"9", b"10", b"99", b"100", b"999999999999", b"007")
TEXTS = (b"", b"a", b"hello world", b"END\r\n", b"\r\n", b"5x", b"\x00\xff", b"0123456789" * 9)
OPAQUES = (b"", b"7", b"abc", b"x" * 31)
BAD_FLAGS = (
    b"Tabc", b"T1x", b"N1x", b"R1.5", b"Fx", b"F1x", b"F-1", b"Cx", b"C-1", b"D1x", b"Jx", b"z", b"S1", b"y", b"5",
    b"O" + b"o" * 40, b"noreply", b"g",
)  # fmt: skip
BAD_KEYS = (b"notbase64!!", b"YQ", b"====", b"YWJjZ===")
IDLE = (b"I", b"P1", b"Lhint", b"h", b"l", b"f", b"u", b"J5", b"D2", b"R30")  # mean nothing where they are not known


def _unique(draw: Draw, key: bytes) -> bytes:
    return b"C" + draw.choice((b"<<CAS:%s:+0>>" % key,) * 3 + (b"<<CAS:%s:-1>>" % key, b"0", b"1", b"99999999999999"))


def _flags(draw: Draw, *wanted: bytes) -> tuple[bytes, ...]:
    """Some of the flags, shuffled; now and then some that are wrong, or one twice."""
    flags = draw.sample(wanted, draw.randint(0, min(len(wanted), 7)))
    if draw.random() < 0.06:
        for _ in range(draw.choice((1, 1, 2))):
            flags.insert(draw.randint(0, len(flags)), draw.choice(BAD_FLAGS))
    if flags and draw.random() < 0.02:
        flags.append(draw.choice(flags))
    if draw.random() < 0.01:
        flags += [b"v"] * 25
    return tuple(flags)


def _line(draw: Draw, verb: bytes, key: bytes, *words: bytes, length: tuple[bytes, ...] = ()) -> bytes:
    """A line for this key, sometimes with the key as base64."""
    if key not in KEYS or draw.random() < 0.15:
        key = base64.b64encode(key)
        words = (*words[:1], b"b", *words[1:])
    elif draw.random() < 0.01:
        key, words = draw.choice(BAD_KEYS), (*words, b"b")
    gap = b" " if draw.random() < 0.95 else b"   "
    return gap.join((verb, key, *length, *words)) + draw.choice((b"\r\n",) * 12 + (b"\n", b" \r\n"))


def _key(draw: Draw) -> bytes:
    return draw.choice(KEYS) if draw.random() < 0.9 else draw.choice(BINARY_KEYS)


def _get(draw: Draw) -> bytes:
    key = _key(draw)
    flags = _flags(
        draw, b"v", b"v", b"c", b"f", b"h", b"k", b"l", b"s", b"t", b"q", b"u", b"O" + draw.choice(OPAQUES),
        b"T" + draw.choice(EXPTIMES), b"N" + draw.choice(EXPTIMES), b"R" + draw.choice(RECACHES), draw.choice(IDLE[:3]),
    )  # fmt: skip
    return _line(draw, b"mg", key, *flags)


def _set(draw: Draw) -> bytes:
    key, value = _key(draw), draw.choice(NUMBERS) if draw.random() < 0.6 else draw.choice(TEXTS)
    flags = _flags(
        draw, b"c", b"k", b"q", b"I", _unique(draw, key), _unique(draw, key), b"O" + draw.choice(OPAQUES),
        b"F" + draw.choice((b"0", b"5", b"65536", b"4294967296")), b"T" + draw.choice(EXPTIMES),
        b"M" + draw.choice((b"S", b"E", b"A", b"P", b"R", b"s", b"Z", b"A", b"R")), draw.choice(IDLE[1:8]),
    )  # fmt: skip
    end = b"\r\n" if draw.random() < 0.98 else b"xy more\r\n"
    return _line(draw, b"ms", key, *flags, length=(b"%d" % len(value),)) + value + end


def _delete(draw: Draw) -> bytes:
    key = _key(draw)
    flags = _flags(
        draw, b"I", b"I", b"k", b"q", _unique(draw, key), b"O" + draw.choice(OPAQUES), b"T" + draw.choice(EXPTIMES)
    )
    return _line(draw, b"md", key, *flags)


def _arithmetic(draw: Draw) -> bytes:
    key = _key(draw)
    flags = _flags(
        draw, b"v", b"c", b"k", b"t", b"q", _unique(draw, key), b"O" + draw.choice(OPAQUES),
        b"D" + draw.choice((b"0", b"1", b"2", b"9", b"100", b"+5")), b"N" + draw.choice(EXPTIMES),
        b"J" + draw.choice(NUMBERS), b"M" + draw.choice((b"I", b"D", b"+", b"-", b"i", b"Z")), draw.choice(IDLE[:7]),
    )  # fmt: skip
    return _line(draw, b"ma", key, *flags)


def _debug(draw: Draw) -> bytes:
    """me of an item without TTL, or of none: of others the versions differ."""
    key = draw.choice(KEYS)
    before = b"delete %s\r\n" % key if draw.random() < 0.3 else b"set %s 5 0 3\r\nabc\r\n" % key
    return before + _line(draw, b"me", key)


def _stale(draw: Draw) -> bytes:
    """An item made stale and fetched by two clients, the second told that the first has won; or stored anew."""
    key, exptime = draw.choice(KEYS), draw.choice(EXPTIMES)
    stored = b"set %s 0 0 2\r\n10\r\n" % key
    invalidated = draw.choice((b"md %s I T%s\r\n", b"md %s I T%s\r\n", b"ms %s 2 C1 I T%s\r\n11\r\n")) % (key, exptime)
    again = draw.choice((b"", b"", stored))
    return b"%b%b%bmg %s v c\r\nmg %s v t h\r\n" % (draw.choice((b"", stored)), invalidated, again, key, key)


def _noop(draw: Draw) -> bytes:
    return draw.choice((b"mn\r\n", b"mn\r\n", b"mn x\r\n"))


def _malformed(draw: Draw) -> bytes:
    key = draw.choice(KEYS)
    return draw.choice(
        (
            b"ms %s abc\r\nabc\r\n" % key, b"ms %s -1\r\nabc\r\n" % key, b"ms %s 2x T0\r\n55\r\n" % key,
            b"ms %s S3\r\nabc\r\n" % key, b"mgg %s\r\n" % key, b"MG %s v\r\n" % key, b"mx %s\r\n" % key,
            b"mget %s\r\n" % key, b"mg %s v noreply\r\n" % key, b"mg %s%s v\r\n" % (PREFIX, b"z" * 300),
            b"md %s%s\r\n" % (PREFIX, b"z" * 245), b"me %s junk\r\n" % (PREFIX + b"missing"),
        )
    )  # fmt: skip


META_PRODUCERS: dict[Producer, float] = {
    _get: 18, _set: 18, _delete: 6, _arithmetic: 9, _debug: 1, _stale: 2, _noop: 1, _malformed: 1.5,
}  # fmt: skip
