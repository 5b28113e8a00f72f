"""Command lines: their ends, blanks, further words, and the 2048-byte limit."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table, closes, second, unfinished

SET_A = b"set $a 5 0 3\r\nabc\r\n"

SCRIPTS: Table = {
    "bare newline, get": [SET_A, b"get $a\n"],
    "bare newline, set": [b"set $a 0 0 3\nabc\r\n", b"get $a\r\n"],
    "bare newline, all commands": [SET_A, b"touch $a 0\nincr $a 1\ndelete $a\nversion\nflush_all\nbogus\n"],
    "bare newline, bare data": [b"set $a 0 0 3\nabc\nrest\r\n", b"get $a\r\n"],
    "two carriage returns": [SET_A, b"get $a\r\r\n"],
    "two carriage returns, delete": [SET_A, b"delete $a\r\r\n", b"get $a\r\n"],
    "carriage return alone ends nothing": [SET_A, b"get $a\rget $a\r\n"],
    "blank before the end": [SET_A, b"get $a \r\n", b"version \r\n", b"delete $a \r\n"],
    "blanks between the words of a set": [b"set   $a   1   0   3\r\nabc\r\n", b"get $a\r\n"],
    "blanks before the end of a set": [b"set $a 1 0 3   \r\nabc\r\n", b"get $a\r\n"],
    "tab between words": [b"set\t$a 0 0 1\r\n", b"get $a\r\n"],
    "tab before the end": [SET_A, b"get $a\t\r\n"],
    "further words, version": [b"version a b c\r\n"],
    "unknown, long": [b"x" * 1000 + b"\r\n"],
    "unknown, long with words": [b"foo " + b"bar " * 300 + b"\r\n"],
    "unknown, 30 words": [b"foo" + b" w" * 30 + b"\r\n"],
    "2047 bytes, then the end": [b"y" * 2047 + b"\r\n"],
    "2048 bytes, then the end": [b"y" * 2048 + b"\r\n"],
    "2000 bytes, later the end": [unfinished(b"y" * 2000), b"yyy\r\n"],
    "2049 bytes without an end": [closes(b"y" * 2049)],
    "3000 bytes without an end": [SET_A, closes(b"y" * 3000), b"get $a\r\n"],
    "10,000 bytes without an end": [closes(b"y" * 10000)],
    "long set line without an end": [closes(b"set $a 0 0 1" + b" " * 2100)],
    "long delete line without an end": [closes(b"delete $a" + b"x" * 2100)],
    "long gat without an end": [closes(b"gat 0" + b" $a" * 1000)],
    "long get may grow": [SET_A, unfinished(b"get" + b" $a" * 1000), b" $a\r\n"],
    "long gets may grow": [SET_A, unfinished(b"gets" + b" $b" * 1000), b" $a\r\n"],
    "very long get": [SET_A, unfinished(b"get" + b" $b" * 10000), unfinished(b" $a" * 10), b" $b\r\n"],
    "long line closes one connection only": [SET_A, closes(b"z" * 3000, conn=1), b"get $a\r\n", second(b"get $a\r\n")],
    "get of 3000 bytes in one line": [SET_A, b"get" + b" $a" * 400 + b"\r\n"],
    "get key split over many blanks": [SET_A, b"get" + b" " * 500 + b"$a" + b" " * 500 + b"\r\n"],
    "noreply is not a line end": [SET_A, b"delete $a noreply\nget $a\r\n"],
}
