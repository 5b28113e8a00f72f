"""incr and decr: wrap, floor, padding, what is a number."""

from __future__ import annotations

from collections.abc import Sequence

from tests.conformance.corpus.notation import Source, Table


def counting(value: bytes, *commands: bytes) -> Sequence[Source]:
    """Store the value, run each command, look at the item after each."""
    steps: list[Source] = [b"set $a 7 0 %d\r\n%s\r\n" % (len(value), value)]
    for command in commands:
        steps += [command + b"\r\n", b"get $a\r\n"]
    return steps


MAX = b"18446744073709551615"

SCRIPTS: Table = {
    "incr, missing": [b"incr $a 1\r\n", b"get $a\r\n"],
    "decr, missing": [b"decr $a 1\r\n", b"get $a\r\n"],
    "incr by one": counting(b"5", b"incr $a 1"),
    "incr by zero": counting(b"5", b"incr $a 0"),
    "incr grows by a digit": counting(b"9", b"incr $a 1"),
    "incr grows twice": counting(b"99", b"incr $a 1", b"incr $a 900"),
    "incr by much": counting(b"1", b"incr $a 1000000000000"),
    "decr by one": counting(b"5", b"decr $a 1"),
    "decr by zero": counting(b"5", b"decr $a 0"),
    "decr pads with a blank": counting(b"10", b"decr $a 1"),
    "decr pads, then again": counting(b"100", b"decr $a 1", b"decr $a 90", b"decr $a 9"),
    "decr stops at zero": counting(b"5", b"decr $a 10"),
    "decr stops at zero, padded": counting(b"12345", b"decr $a 99999"),
    "decr then incr into the padding": counting(b"100", b"decr $a 95", b"incr $a 5", b"incr $a 990"),
    "incr wraps": counting(MAX, b"incr $a 1", b"incr $a 1"),
    "incr wraps by more": counting(MAX, b"incr $a 11"),
    "decr from the largest": counting(MAX, b"decr $a 1"),
    "decr by the largest": counting(b"5", b"decr $a " + MAX),
    "incr by the largest": counting(b"5", b"incr $a " + MAX),
    "incr by 2^63 - 1": counting(b"5", b"incr $a 9223372036854775807"),
    "incr, zeros in front": counting(b"007", b"incr $a 1"),
    "decr, zeros in front": counting(b"010", b"decr $a 1"),
    "incr, blank behind": counting(b"5 ", b"incr $a 1", b"incr $a 10"),
    "incr, blanks behind": counting(b"5   ", b"incr $a 995"),
    "incr, blank in front": counting(b" 5", b"incr $a 1"),
    "incr, value with a plus": counting(b"+5", b"incr $a 1"),
    "incr, value with a tail": counting(b"5x", b"incr $a 1"),
    "incr, value is text": counting(b"abc", b"incr $a 1"),
    "incr, value is negative": counting(b"-5" + b" " * 300, b"incr $a 1"),
    "incr, value is a fraction": counting(b"1.5", b"incr $a 1"),
    "incr, value is hexadecimal": counting(b"0x10", b"incr $a 1"),
    "incr, value over 64 bits": counting(b"18446744073709551616", b"incr $a 1"),
    "incr, 20 digits": counting(b"10000000000000000000", b"incr $a 1"),
    "incr, 21 digits": counting(b"100000000000000000000", b"incr $a 1"),
    "incr, 25 zeros": counting(b"0" * 25, b"incr $a 1"),
    "incr, two numbers": counting(b"1 2", b"incr $a 1"),
    "incr, value with a tab behind": counting(b"5\t", b"incr $a 1"),
    "incr, value ends in CRLF": counting(b"5\r\n", b"incr $a 1"),
    "incr, value with a NUL": counting(b"5\x00", b"incr $a 1"),
    "incr, long text": counting(b"9" * 300, b"incr $a 1"),
    "incr, delta text": counting(b"5", b"incr $a abc"),
    "incr, delta negative": counting(b"5", b"incr $a -1"),
    "incr, delta with a plus": counting(b"5", b"incr $a +1"),
    "incr, delta with a tail": counting(b"5", b"incr $a 1x"),
    "incr, delta over 64 bits": counting(b"5", b"incr $a 18446744073709551616"),
    "incr, delta a fraction": counting(b"5", b"incr $a 1.0"),
    "incr, delta noreply": counting(b"5", b"incr $a noreply"),
    "incr, delta minus zero": counting(b"5", b"incr $a -0"),
    "incr, delta minus 2^64 - 1 is one": counting(b"5", b"incr $a -18446744073709551615"),
    "decr, delta text": counting(b"5", b"decr $a abc"),
    "decr, delta negative": counting(b"5", b"decr $a -1"),
    "incr, delta text on a missing key": [b"incr $a abc\r\n"],
    "decr, value is text": counting(b"abc", b"decr $a 1"),
    "incr keeps flags": [b"set $a 42 0 1\r\n9\r\n", b"incr $a 1\r\n", b"get $a\r\n"],
    "incr keeps the exptime": [b"set $a 0 100 1\r\n9\r\n", b"incr $a 1\r\n", b"get $a\r\n"],
    "incr of an expired item": [b"set $a 0 -1 1\r\n9\r\n", b"incr $a 1\r\n", b"get $a\r\n"],
    "incr after append": [b"set $a 0 0 1\r\n1\r\nappend $a 0 0 1\r\n2\r\n", b"incr $a 1\r\n", b"get $a\r\n"],
    "append after incr": [b"set $a 0 0 2\r\n10\r\ndecr $a 1\r\nappend $a 0 0 1\r\n2\r\n", b"get $a\r\n"],
    "incr, ten in a batch": [b"set $a 0 0 1\r\n0\r\n", b"incr $a 1\r\n" * 10, b"get $a\r\n"],
    "incr and decr in a batch": [b"set $a 0 0 1\r\n5\r\n" + b"incr $a 10\r\ndecr $a 7\r\n" * 5, b"get $a\r\n"],
}
