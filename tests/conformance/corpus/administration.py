"""version, verbosity, quit, stats reset and unknown stats, unknown commands."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table, closes, second

SET_A = b"set $a 5 0 3\r\nabc\r\n"

SCRIPTS: Table = {
    "version": [b"version\r\n"],
    "version, further words": [b"version foo bar\r\n"],
    "version, bare newline": [b"version\n"],
    "version, three times": [b"version\r\n" * 3],
    "verbosity 0": [b"verbosity 0\r\n"],
    "verbosity, word": [b"verbosity abc\r\n"],
    "verbosity, negative": [b"verbosity -1\r\n"],
    "verbosity, tail": [b"verbosity 1x\r\n"],
    "verbosity, only noreply": [b"verbosity noreply\r\n"],
    "quit": [SET_A, closes(b"quit\r\n"), b"get $a\r\n"],
    "quit, bare newline": [closes(b"quit\n")],
    "quit, further words": [closes(b"quit now\r\n")],
    "quit, after answers": [SET_A + b"get $a\r\nquit\r\n"],
    "quit, commands behind it are dropped": [SET_A, b"quit\r\ndelete $a\r\n", b"get $a\r\n"],
    "quit, of the other connection": [SET_A, second(b"quit\r\n"), b"get $a\r\n"],
    "quit, in the middle of a batch": [b"set $a 0 0 1\r\n1\r\nquit\r\nset $a 0 0 1\r\n2\r\n", b"get $a\r\n"],
    "stats reset": [b"stats reset\r\n"],
    "stats, unknown group": [b"stats zzz\r\n"],
    "stats, unknown groups in a batch": [b"stats foo\r\nstats bar\r\n"],
    "unknown command": [b"foo\r\n"],
    "unknown command, with words": [b"foo bar baz\r\n"],
    "unknown command, capital letters": [SET_A, b"GET $a\r\n"],
    "unknown command, one capital": [SET_A, b"Get $a\r\n"],
    "unknown command, capital SET: its data is a command": [b"SET $a 0 0 5\r\nhello\r\n"],
    "unknown command, longer word": [b"gets2 $a\r\n", b"versions\r\n", b"quitting\r\n", b"deleted $a\r\n"],
    "unknown command, shorter word": [b"versio\r\n", b"delet $a\r\n", b"touc $a 0\r\n", b"flush_al\r\n"],
    "unknown command, between good ones": [SET_A + b"bogus\r\nget $a\r\n"],
    "unknown command, eight-bit": [b"\xc3\xa9\xc3\xa8 $a\r\n"],
    "unknown command, control bytes": [b"\x01\x02\x03\x04\r\n"],
    "unknown command, tab for the blank": [SET_A, b"get\t$a\r\n"],
    "unknown command, punctuation": [b"%s%n%x {}\r\n", b"'; drop\r\n"],
    "HTTP request closes": [closes(b"GET / HTTP/1.1\r\n")],
    "HTTP request with headers closes": [closes(b"GET /stats HTTP/1.1\r\nHost: localhost\r\n")],
    "HTTP POST closes": [closes(b"POST / HTTP/1.0\r\n")],
    "HTTP-like last word only": [b"FOO HTTP\r\n"],
}
