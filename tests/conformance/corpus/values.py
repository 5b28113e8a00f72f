"""Data blocks: counted, checked for their CRLF, swallowed when too large."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table, key

SET_A = b"set $a 5 0 3\r\nabc\r\n"
LARGEST = 1048517  # minus the key's length; four less with client flags
A = 7  # bytes of the key $a


def sized(length: int, flags: bytes = b"0", command: bytes = b"set") -> bytes:
    return (
        b"%s $a %s 0 %d\r\n" % (command, flags, length)
        + b"0123456789abcdef"[: length % 16]
        + b"v" * (length - length % 16)
        + b"\r\n"
    )


SCRIPTS: Table = {
    "longer than declared": [b"set $a 0 0 3\r\nabcdefgh\r\n", b"get $a\r\n"],
    "longer over an item": [SET_A, b"set $a 0 0 3\r\nxyzdefgh\r\n", b"get $a\r\n"],
    "longer, the rest is a command": [SET_A, b"set $a 0 0 1\r\nx..get $a\r\n", b"get $a\r\n"],
    "longer, the rest is two commands": [SET_A, b"set $b 0 0 1\r\nx..get $a\r\nversion\r\n", b"get $b\r\n"],
    "shorter, swallows the next line": [b"set $a 0 0 17\r\nabc\r\nversion\r\n01234rest\r\n", b"get $a\r\n"],
    "shorter, the next command completes it": [b"set $a 0 0 %d\r\nab\r\nget $a\r\n" % (4 + 4 + A), b"get $a\r\n"],
    "no CRLF, only newline": [b"set $a 0 0 3\r\nabc\nXrest\r\n", b"get $a\r\n"],
    "no CRLF, two newlines": [b"set $a 0 0 3\r\nabc\n\nrest\r\n", b"get $a\r\n"],
    "no CRLF, newline and carriage return": [b"set $a 0 0 3\r\nabc\n\rrest\r\n", b"get $a\r\n"],
    "no CRLF, carriage return and letter": [b"set $a 0 0 3\r\nabc\rXrest\r\n", b"get $a\r\n"],
    "bad chunk, empty value": [b"set $a 0 0 0\r\nxyrest\r\n", b"get $a\r\n"],
    "bad chunk, add": [b"add $a 0 0 3\r\nabcdefgh\r\n", b"get $a\r\n"],
    "bad chunk, replace": [SET_A, b"replace $a 0 0 3\r\nxyzdefgh\r\n", b"get $a\r\n"],
    "bad chunk, append": [SET_A, b"append $a 0 0 3\r\nxyzdefgh\r\n", b"get $a\r\n"],
    "bad chunk, prepend": [SET_A, b"prepend $a 0 0 3\r\nxyzdefgh\r\n", b"get $a\r\n"],
    "bad chunk, cas of a missing key": [b"cas $a 0 0 3 1\r\nxyzdefgh\r\n", b"get $a\r\n"],
    "bad chunk, large": [b"set $a 0 0 50000\r\n" + b"x" * 50002 + b"rest\r\n", b"get $a\r\n"],
    "bad chunk twice": [b"set $a 0 0 3\r\nabcdefgh\r\nset $a 0 0 3\r\nabcdefgh\r\n", b"get $a\r\n"],
    "data that is a command": [b"set $a 0 0 11\r\nget $b\r\n", b"get $a\r\n"],
    "data of newlines": [b"set $a 0 0 10\r\n\n\n\n\n\n\r\r\r\r\r\r\n", b"get $a\r\n"],
    "largest value": [sized(LARGEST - A), b"get $a\r\n", b"delete $a\r\n"],
    "largest value with flags": [sized(LARGEST - A - 4, b"5"), b"get $a\r\n", b"delete $a\r\n"],
    "largest value for a long key": [
        b"set %s 0 0 %d\r\n" % (key(250), LARGEST - 250) + b"v" * (LARGEST - 250) + b"\r\n",
        b"delete %s\r\n" % key(250),
    ],
    "one byte too large": [sized(LARGEST - A + 1), b"get $a\r\n"],
    "one byte too large with flags": [sized(LARGEST - A - 3, b"5"), b"get $a\r\n"],
    "one byte too large for a long key": [
        b"set %s 0 0 %d\r\n" % (key(250), LARGEST - 249) + b"v" * (LARGEST - 249) + b"\r\n",
        b"delete %s\r\n" % key(250),
    ],
    "too large deletes the old item": [SET_A, sized(1048576), b"get $a\r\n"],
    "too large, add": [sized(1048576, command=b"add"), b"get $a\r\n"],
    "too large, add over an item": [SET_A, sized(1048576, command=b"add"), b"get $a\r\n"],
    "too large, replace": [SET_A, sized(1048576, command=b"replace"), b"get $a\r\n"],
    "too large, append": [SET_A, sized(1048576, command=b"append"), b"get $a\r\n"],
    "too large, prepend": [SET_A, sized(1048576, command=b"prepend"), b"get $a\r\n"],
    "too large, cas": [SET_A, b"cas $a 0 0 1048576 1\r\n" + b"v" * 1048576 + b"\r\n", b"get $a\r\n"],
    "too large, 3 MB": [SET_A, sized(3000000), b"version\r\n"],
    "too large, then a good one": [sized(1100000) + SET_A, b"get $a\r\n"],
    "too large, its last bytes are not checked": [b"set $a 0 0 1100000\r\n" + b"v" * 1100002 + b"version\r\n"],
    "too large by appending": [sized(1000000), sized(100000, command=b"append"), b"delete $a\r\n"],
    "too large by prepending": [sized(1000000), sized(100000, command=b"prepend"), b"delete $a\r\n"],
    "large by appending": [sized(500000), sized(500000, command=b"append"), b"get $a\r\n", b"delete $a\r\n"],
    "half a page": [sized(524288 - 60), b"get $a\r\n", sized(524288), b"get $a\r\n", b"delete $a\r\n"],
    "every class limit": [
        b"".join(
            sized(chunk - 59 - A + more) + b"get $a\r\n" for more in (-1, 0, 1) for chunk in (96, 120, 152, 1184, 7104)
        ),
    ],
    "flags cross a class limit": [sized(96 - 59 - A, b"5") + b"get $a\r\n" + sized(96 - 59 - A) + b"get $a\r\n"],
}
