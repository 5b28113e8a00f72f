"""noreply: where it silences, where it is a word like any other."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table

SET_A = b"set $a 5 0 3\r\nabc\r\n"
ONE_A = b"set $a 0 0 1\r\n1\r\n"

SCRIPTS: Table = {
    "set": [b"set $a 1 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "add, new": [b"add $a 1 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "add, exists": [SET_A, b"add $a 1 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "replace, missing": [b"replace $a 1 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "replace, exists": [SET_A, b"replace $a 1 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "append": [SET_A, b"append $a 0 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "append, missing": [b"append $a 0 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "prepend": [SET_A, b"prepend $a 0 0 1 noreply\r\nx\r\n", b"get $a\r\n"],
    "cas, matching": [SET_A, b"gets $a\r\n", b"cas $a 1 0 1 <<CAS:$a:+0>> noreply\r\nx\r\n", b"get $a\r\n"],
    "cas, another id": [SET_A, b"cas $a 1 0 1 0 noreply\r\nx\r\n", b"get $a\r\n"],
    "cas, missing": [b"cas $a 1 0 1 5 noreply\r\nx\r\n", b"get $a\r\n"],
    "delete": [SET_A, b"delete $a noreply\r\n", b"get $a\r\n"],
    "delete, missing": [b"delete $a noreply\r\n", b"get $a\r\n"],
    "incr": [ONE_A, b"incr $a 5 noreply\r\n", b"get $a\r\n"],
    "incr, missing": [b"incr $a 5 noreply\r\n", b"get $a\r\n"],
    "incr, not a number": [SET_A, b"incr $a 5 noreply\r\n", b"get $a\r\n"],
    "incr, bad delta": [ONE_A, b"incr $a abc noreply\r\n", b"get $a\r\n"],
    "decr": [ONE_A, b"decr $a 1 noreply\r\n", b"get $a\r\n"],
    "touch": [SET_A, b"touch $a -1 noreply\r\n", b"get $a\r\n"],
    "touch, missing": [b"touch $a 0 noreply\r\n"],
    "touch, bad exptime": [SET_A, b"touch $a abc noreply\r\n", b"get $a\r\n"],
    "flush_all": [SET_A, b"flush_all noreply\r\n", b"get $a\r\n"],
    "flush_all, zero": [SET_A, b"flush_all 0 noreply\r\n", b"get $a\r\n"],
    "flush_all, bad delay": [SET_A, b"flush_all abc noreply\r\n", b"get $a\r\n"],
    "verbosity": [b"verbosity 0 noreply\r\n"],
    "verbosity, bad": [b"verbosity abc noreply\r\n"],
    "bad data chunk": [b"set $a 0 0 3 noreply\r\nabcdefgh\r\nrest\r\n", b"get $a\r\n"],
    "bad length": [b"set $a 0 0 abc noreply\r\nxyzw\r\n", b"get $a\r\n"],
    "negative length": [b"set $a 0 0 -1 noreply\r\nxyzw\r\n", b"get $a\r\n"],
    "too large": [SET_A, b"set $a 0 0 1100000 noreply\r\n" + b"x" * 1100000 + b"\r\n", b"get $a\r\n"],
    "capital letters are no noreply": [ONE_A, b"touch $a 0 NOREPLY\r\n"],
    "noreplyx is no noreply": [ONE_A, b"touch $a 0 noreplyx\r\n"],
    "as a key": [b"get noreply\r\n"],
    "does not stick": [b"set $a 0 0 1 noreply\r\nx\r\nset $b 0 0 1\r\ny\r\nget $a $b\r\n"],
    "does not stick after an error": [ONE_A, b"incr $a abc noreply\r\nincr $a abc\r\nfoo\r\n"],
    "a hundred sets": [b"set $a 0 0 1 noreply\r\nx\r\n" * 100, b"get $a\r\n"],
    "between answers": [b"set $a 0 0 1\r\nx\r\ndelete $a noreply\r\nset $b 0 0 1\r\ny\r\nget $a $b\r\n"],
    "trailing blanks": [b"set $a 0 0 1 noreply  \r\nx\r\n", b"get $a\r\n"],
    "bare newline": [b"set $a 0 0 1 noreply\nx\r\n", b"get $a\r\n"],
}
