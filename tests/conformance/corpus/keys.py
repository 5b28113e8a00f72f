"""Which keys are taken: lengths around 250, control and eight-bit bytes."""

from __future__ import annotations

from tests.conformance.corpus.notation import Table, key

LONGEST, TOO_LONG, HUGE = key(250), key(251), key(1000)


def whole_life(name: bytes) -> list[bytes]:
    """Store, read, change and delete one key."""
    return [
        b"set %s 3 0 1\r\n1\r\n" % name,
        b"get %s\r\ngets %s\r\n" % (name, name),
        b"incr %s 1\r\n" % name,
        b"append %s 0 0 1\r\nx\r\nget %s\r\n" % (name, name),
        b"touch %s 100\r\n" % name,
        b"delete %s\r\nget %s\r\n" % (name, name),
    ]


SCRIPTS: Table = {
    "shortest": [b"set k 0 0 1\r\nx\r\n", b"get k\r\n", b"delete k\r\n"],
    "249 bytes": whole_life(key(249)),
    "250 bytes": whole_life(LONGEST),
    "250 bytes, two that differ in the last": [
        b"set %s 0 0 1\r\n1\r\nset %s 0 0 1\r\n2\r\n" % (key(249) + b"1", key(249) + b"2"),
        b"get %s %s\r\n" % (key(249) + b"1", key(249) + b"2"),
    ],
    "251 bytes, get": [b"get %s\r\n" % TOO_LONG],
    "251 bytes, gets": [b"gets %s\r\n" % TOO_LONG],
    "251 bytes, gat": [b"gat 0 %s\r\n" % TOO_LONG],
    "251 bytes, delete": [b"delete %s\r\n" % TOO_LONG],
    "251 bytes, incr": [b"incr %s 1\r\n" % TOO_LONG],
    "251 bytes, decr": [b"decr %s 1\r\n" % TOO_LONG],
    "251 bytes, touch": [b"touch %s 1\r\n" % TOO_LONG],
    "251 bytes, delete noreply": [b"delete %s noreply\r\n" % TOO_LONG],
    "1000 bytes, get": [b"get %s\r\n" % HUGE],
    "1000 bytes, delete": [b"delete %s\r\n" % HUGE],
    "control bytes": whole_life(b"$\x01\x02\x1f\x7f"),
    "tab": whole_life(b"$a\tb"),
    "vertical tab and form feed": whole_life(b"$\x0b\x0c"),
    "carriage return inside": whole_life(b"$a\rb"),
    "eight-bit bytes": whole_life(b"$\x80\xff\xfe"),
    "UTF-8": whole_life("$schlüssel-键".encode()),
    "punctuation": whole_life(b"$%s{}[]\"'\\/:;,.-_!?#&=+*"),
    "looks like a number": whole_life(b"$0000"),
    "looks like a command": [b"set get 0 0 1\r\nx\r\n", b"get get set\r\n", b"delete get\r\n"],
    "case matters": [b"set $k 0 0 1\r\n1\r\nset $K 0 0 1\r\n2\r\n", b"get $k $K\r\n"],
    "one is the other's beginning": [b"set $k 0 0 1\r\n1\r\nset $kk 0 0 1\r\n2\r\n", b"get $k $kk $kkk\r\n"],
    "two hundred keys": [
        b"".join(b"set $%d 0 0 4\r\n%04d\r\n" % (n, n) for n in range(200)),
        b"get" + b"".join(b" $%d" % n for n in range(200)) + b"\r\n",
    ],
}
