"""How numbers are read in flags, exptime, length and CAS id."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table


def stored(flags: bytes = b"0", exptime: bytes = b"0", length: bytes = b"3") -> list[bytes]:
    """A set with these words, then a look at the item."""
    return [b"set $a %s %s %s\r\nabc\r\n" % (flags, exptime, length), b"get $a\r\n"]


def refused_length(length: bytes) -> list[bytes]:
    """A set over an item with a bad length: its data is read as a command, the old item stays."""
    return [b"set $a 1 0 1\r\nx\r\n", b"set $a 0 0 %s\r\nabcd\r\n" % length, b"get $a\r\n"]


SCRIPTS: Table = {
    "flags 1": stored(flags=b"1"),
    "flags 65535": stored(flags=b"65535"),
    "flags 65536": stored(flags=b"65536"),
    "flags 2147483648": stored(flags=b"2147483648"),
    "flags 4294967295": stored(flags=b"4294967295"),
    "flags 4294967296 wrap": stored(flags=b"4294967296"),
    "flags 4294967301 wrap": stored(flags=b"4294967301"),
    "flags with a plus": stored(flags=b"+5"),
    "flags with zeros": stored(flags=b"0000000005"),
    "exptime with a plus": stored(exptime=b"+100"),
    "exptime with zeros": stored(exptime=b"000100"),
    "exptime -0": stored(exptime=b"-0"),
    "exptime -1": stored(exptime=b"-1"),
    "exptime -2147483648": stored(exptime=b"-2147483648"),
    "exptime -2147483649": stored(exptime=b"-2147483649"),
    "exptime 2147483647": stored(exptime=b"2147483647"),
    "exptime 2147483648": stored(exptime=b"2147483648"),
    "exptime 4294967295": stored(exptime=b"4294967295"),
    "exptime 4294967296": stored(exptime=b"4294967296"),
    "exptime 4294967396": stored(exptime=b"4294967396"),
    "exptime 2592000": stored(exptime=b"2592000"),
    "exptime 2592001": stored(exptime=b"2592001"),
    "exptime of the year 2001": stored(exptime=b"1000000000"),
    "length with zeros": stored(length=b"003"),
    "length 0000000003": stored(length=b"0000000003"),
    "length -1": refused_length(b"-1"),
    "length -100": refused_length(b"-100"),
    "length abc": refused_length(b"abc"),
    "length 3x": refused_length(b"3x"),
    "length 3.0": refused_length(b"3.0"),
    "length 0x3": refused_length(b"0x3"),
    "length noreply": refused_length(b"noreply"),
    "length of an append abc": [b"set $a 0 0 1\r\nx\r\n", b"append $a 0 0 abc\r\nabcd\r\n", b"get $a\r\n"],
    "length of a cas abc": [b"set $a 0 0 1\r\nx\r\n", b"cas $a 0 0 abc 5\r\nabcd\r\n", b"get $a\r\n"],
    "touch with zeros": [b"set $a 0 0 1\r\nx\r\n", b"touch $a 00000100\r\n", b"get $a\r\n"],
    "touch -0": [b"set $a 0 0 1\r\nx\r\n", b"touch $a -0\r\n", b"get $a\r\n"],
    "touch with a double sign": [b"set $a 0 0 1\r\nx\r\n", b"touch $a --1\r\n", b"get $a\r\n"],
    "gat -2147483648": [b"set $a 0 0 1\r\nx\r\n", b"gat -2147483648 $a\r\n", b"get $a\r\n"],
    "gat 2147483647": [b"set $a 0 0 1\r\nx\r\n", b"gat 2147483647 $a\r\n", b"get $a\r\n"],
    "incr by 00": [b"set $a 0 0 1\r\n1\r\n", b"incr $a 00\r\n", b"get $a\r\n"],
    "cas id with zeros": [
        b"set $a 0 0 1\r\nx\r\n",
        b"gets $a\r\n",
        b"cas $a 0 0 1 000<<CAS:$a:+0>>\r\ny\r\n",
        b"get $a\r\n",
    ],
}
