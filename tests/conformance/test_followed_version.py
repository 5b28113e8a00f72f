"""Inputs that Debian's memcached cannot judge: replies written out, as 1.6.42 gives them (or as chosen here)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.player import Side, new_prefix, perform
from tests.conformance.script import PREFIX, Script, Step, render
from tests.support.processes import Server

BAD_LINE = b"CLIENT_ERROR bad command line format\r\n"
BAD_EXPTIME = b"CLIENT_ERROR invalid exptime argument\r\n"
USAGE = b"CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n"
SET_A = b"set $a 5 0 3\r\nabc\r\n"
VALUE_A = b"VALUE $a 5 3\r\nabc\r\n"
LONG = b"$" + b"k" * 245  # 251 bytes

# name -> what is sent and its reply, step by step; every table row starts with $a stored
EXPECTED: dict[str, tuple[tuple[bytes, bytes], ...]] = {
    "empty line": ((b"\r\n", BAD_LINE), (b"\n", BAD_LINE), (b"get $a\r\n", VALUE_A + b"END\r\n")),
    "one letter": ((b"a\r\n", BAD_LINE), (b"ab\n", BAD_LINE), (b"ab\r\n", b"ERROR\r\n")),
    "too few words": (
        (b"get\r\ngets\r\n", BAD_LINE * 2),
        (b"gat\r\ngat 10\r\ngats 10\r\n", BAD_LINE * 3),
        (b"delete\r\nincr $a\r\ndecr\r\ntouch $a\r\n", BAD_LINE * 4),
        (b"set $a 0 0\r\nadd $a\r\nappend\r\n", BAD_LINE * 3),
        (b"verbosity\r\n", BAD_LINE),
    ),
    "leading blank": ((b" get $a\r\n", b"ERROR\r\n"), (b" version\r\n", b"ERROR\r\n")),
    "unknown command with noreply": ((b"foo noreply\r\n", b""), (b"foo noreply x\r\n", b"ERROR\r\n")),
    "NUL is an ordinary byte": (
        (b"set $a\0b 0 0 1\r\nx\r\n", b"STORED\r\n"),
        (b"get $a $a\0b\r\n", VALUE_A + b"VALUE $a\0b 0 1\r\nx\r\nEND\r\n"),
    ),
    "bad fields: the data is swallowed": (
        (b"set $a abc 0 7\r\nversion\r\n", BAD_LINE),
        (b"set $a 0 abc 7\r\nversion\r\n", BAD_LINE),
        (b"set $a -1 0 7\r\nversion\r\n", BAD_LINE),
        (b"cas $a 0 0 7 abc\r\nversion\r\n", BAD_LINE),
        (b"set %s 0 0 7\r\nversion\r\n" % LONG, BAD_LINE),
        (b"set $a abc 0 7 noreply\r\nversion\r\n", b""),
        (b"get $a\r\n", VALUE_A + b"END\r\n"),
    ),
    "bad length: the data is a command": (
        (b"set $a 0 0 +3\r\nabcd\r\n", BAD_LINE + b"ERROR\r\n"),
        (b"set $a 0 0 4294967300\r\nabcd\r\n", BAD_LINE + b"ERROR\r\n"),
        (b"set $a 0 0 2147483646\r\nabcd\r\n", BAD_LINE + b"ERROR\r\n"),
        (b"get $a\r\n", VALUE_A + b"END\r\n"),
    ),
    "further words of a storage line": (
        (b"set $a 5 0 3 x y z\r\nabc\r\n", b"STORED\r\n"),
        (b"set $a 5 0 3 noreply x\r\nabc\r\n", b"STORED\r\n"),
        (b"set $a 5 0 3 x noreply\r\nabc\r\n", b""),
        (b"get $a\r\n", VALUE_A + b"END\r\n"),
    ),
    "further words elsewhere": (
        (b"touch $a 0 1 2 3\r\n", b"TOUCHED\r\n"),
        (b"incr $x 1 2 3 4\r\n", b"NOT_FOUND\r\n"),
        (b"verbosity 0 1 2\r\n", b"OK\r\n"),
    ),
    "delete takes no further words": (
        (b"delete $a b c d e\r\n", USAGE),
        (b"delete $a" + b" w" * 30 + b"\r\n", USAGE),
        (b"get $a\r\n", VALUE_A + b"END\r\n"),
    ),
    "overlong key in a get: the whole line fails": (
        (b"get $a %s\r\n" % LONG, BAD_LINE),
        (b"gets %s $a\r\n" % LONG, BAD_LINE),
        (b"gat 0 $a %s\r\n" % LONG, BAD_LINE),
        (b"version\r\nget %s\r\nget $a\r\n" % LONG, b"VERSION *\r\n" + BAD_LINE + VALUE_A + b"END\r\n"),
    ),
    "exptime of gat is a plain 32-bit number": (
        (b"gat +100 $a\r\n", BAD_EXPTIME),
        (b"gat 2147483648 $a\r\n", BAD_EXPTIME),
        (b"gats 99999999999 $a\r\n", BAD_EXPTIME),
        (b"get $a\r\n", VALUE_A + b"END\r\n"),
    ),
    "flags of this version that mean nothing to a command": (
        (b"mg $a x v\r\n", b"VA 3\r\nabc\r\n"),
        (b"md $x E5\r\n", b"NF\r\n"),
        (b"ms $x 1 x\r\n5\r\n", b"HD\r\n"),
        (b"ma $x x v\r\n", b"VA 1\r\n6\r\n"),
    ),
    "what moves pages": (
        (b"slabs automove window 10\r\nslabs automove freeratio 0.01\r\n", b"OK\r\n" * 2),
        (b"slabs automove window\r\nslabs automove window x\r\n", b"ERROR\r\n" * 2),
    ),
    "incr of nothing and of white space": (
        (
            b"set $e 0 0 0\r\n\r\nincr $e 1\r\n",
            b"STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        ),
        (
            b"set $e 0 0 2\r\n  \r\nincr $e 1\r\n",
            b"STORED\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
        ),
    ),
}


@pytest.fixture
def side(ours: Server) -> Iterator[Side]:
    one = Side(ours.address)
    yield one
    one.close()


@pytest.mark.parametrize("name", EXPECTED)
def test_reply(name: str, side: Side) -> None:
    rows = ((SET_A, b"STORED\r\n"), *EXPECTED[name])
    script = Script(name, tuple(Step(sent.replace(b"$", PREFIX)) for sent, _ in rows))
    side.begin(script, prefix := new_prefix(len(PREFIX)))
    for step, (_, expected) in zip(script.steps, rows, strict=True):
        (reply,) = perform(step, [side])
        answered = b"".join(piece.text for piece in side.normaliser.pieces(reply.data))
        assert answered == render(expected.replace(b"$", PREFIX), PREFIX, prefix, {}), step.data
        assert reply.outcome == "answered"
