"""Several requests in one batch, and requests that arrive in parts while others go on."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table, second, unfinished

SET_A = b"set $a 5 0 3\r\nabc\r\n"
LARGE = b"set $l 0 0 200000\r\n" + b"0123456789" * 20000 + b"\r\n"

SCRIPTS: Table = {
    "set and get": [SET_A + b"get $a\r\n"],
    "get before set": [b"get $a\r\n" + SET_A + b"get $a\r\n"],
    "fifty gets": [SET_A, b"get $a\r\n" * 50],
    "five hundred gets": [SET_A, b"get $a\r\n" * 500],
    "five hundred sets": [b"".join(b"set $%d 0 0 3\r\n%03d\r\n" % (n, n) for n in range(500)), b"get $0 $499\r\n"],
    "hits and misses": [SET_A, b"get $a\r\nget $b\r\nget $a $b\r\ngets $b\r\n" * 10],
    "every storage command": [
        SET_A
        + b"add $a 0 0 1\r\nx\r\nreplace $a 1 0 1\r\ny\r\nappend $a 0 0 1\r\nz\r\nprepend $a 0 0 1\r\nw\r\n"
        + b"cas $a 0 0 1 0\r\nq\r\nget $a\r\n"
    ],
    "errors among answers": [SET_A + b"bogus\r\nget $b\r\nincr $a 1\r\ntouch $a x\r\ndelete $a\r\n"],
    "bad chunk among answers": [SET_A + b"set $b 0 0 2\r\nxxxxyy\r\nrest\r\nget $a\r\n"],
    "too large among answers": [
        SET_A + b"set $b 0 0 1100000\r\n" + b"x" * 1100000 + b"\r\nget $a\r\nversion\r\n",
    ],
    "two large values": [LARGE, b"get $l\r\nget $l\r\n"],
    "many large values": [LARGE, b"get $l\r\n" * 20],
    "large value among small": [LARGE + SET_A, b"get $a $l $a\r\nget $a\r\n"],
    "set and delete many times": [(SET_A + b"delete $a\r\nget $a\r\n") * 20],
    "another connection between": [SET_A, second(b"get $a\r\n"), b"delete $a\r\n", second(b"get $a\r\n")],
    "half a line, then the other connection": [unfinished(b"get "), second(SET_A), b"$a\r\n"],
    "half a value, then the other connection": [
        unfinished(b"set $a 0 0 10\r\n01234"),
        second(b"get $a\r\n"),
        b"56789\r\nget $a\r\n",
    ],
    "half a value, overwritten meanwhile": [
        SET_A,
        unfinished(b"set $a 0 0 10\r\n01234"),
        second(b"set $a 0 0 1\r\nx\r\nget $a\r\n"),
        b"56789\r\nget $a\r\n",
    ],
    "half a value, deleted meanwhile": [
        SET_A,
        unfinished(b"append $a 0 0 10\r\n01234"),
        second(b"delete $a\r\n"),
        b"56789\r\nget $a\r\n",
    ],
    "half a cas, changed meanwhile": [
        SET_A,
        b"gets $a\r\n",
        unfinished(b"cas $a 0 0 5 <<CAS:$a:+0>>\r\n01"),
        second(SET_A),
        b"234\r\nget $a\r\n",
    ],
    "half an add, added meanwhile": [
        unfinished(b"add $a 0 0 4\r\nab"),
        second(b"add $a 0 0 1\r\nx\r\n"),
        b"cd\r\nget $a\r\n",
    ],
    "value without its CRLF yet": [unfinished(b"set $a 0 0 4\r\nabcd"), second(b"get $a\r\n"), b"\r\nget $a\r\n"],
    "value with half its CRLF": [unfinished(b"set $a 0 0 4\r\nabcd\r"), second(b"get $a\r\n"), b"\nget $a\r\n"],
    "line without its newline yet": [SET_A, unfinished(b"get $a\r"), second(b"delete $a\r\n"), b"\n"],
    "large value in parts": [
        unfinished(b"set $a 0 0 100000\r\n" + b"x" * 30000),
        unfinished(b"y" * 30000),
        b"z" * 40000 + b"\r\nget $a\r\n",
    ],
    "too large in parts": [
        SET_A,
        unfinished(b"set $a 0 0 1200000\r\n" + b"x" * 600000),
        second(b"version\r\n"),
        b"x" * 600000 + b"\r\n",
        b"get $a\r\n",
    ],
    "flush_all between": [SET_A + b"flush_all\r\nget $a\r\n" + SET_A + b"get $a\r\n"],
    "two connections, turn by turn": [
        b"set $a 0 0 1\r\n0\r\n",
        second(b"incr $a 1\r\n"),
        b"incr $a 1\r\n",
        second(b"incr $a 1\r\n"),
        b"get $a\r\n",
    ],
}
