"""Values that come in two parts with other requests between them, small ones and chains of chunks."""

from __future__ import annotations

from tests.conformance.corpus.notation import Source, Table, second, unfinished

ITEM = b"set $a 5 0 4\r\nitem\r\n"
LOOK = b"get $a\r\n"
LINES: dict[str, bytes] = {
    "set": b"set $a 7 0 %d\r\n",
    "add": b"add $a 7 0 %d\r\n",
    "replace": b"replace $a 7 0 %d\r\n",
    "append": b"append $a 7 0 %d\r\n",
    "prepend": b"prepend $a 7 0 %d\r\n",
    "stale cas": b"cas $a 7 0 %d 1\r\n",
    "set noreply": b"set $a 7 0 %d noreply\r\n",
    "ms": b"ms $a %d F7\r\n",
    "ms add": b"ms $a %d ME F7\r\n",
    "ms replace": b"ms $a %d MR F7\r\n",
    "ms append": b"ms $a %d MA\r\n",
    "ms prepend": b"ms $a %d MP\r\n",
    "bad mode": b"ms $a %d MX\r\n",
}
SIZES = {"small": 10, "a chunk": 100_000, "a chain": 700_000}


def parts(line: bytes, size: int, end: bytes = b"\r\n") -> list[Source]:
    """The line with a part of the value, a look from another client, and the rest."""
    return [
        unfinished(line % size + b"v" * (size // 3)),
        second(LOOK),
        b"w" * (size - size // 3) + end,
        LOOK,
    ]


SCRIPTS: Table = {
    **{
        f"{name}, {what}, {'over' if before else 'new'}": [*before, *parts(line, size), b"delete $a\r\n"]
        for name, line in LINES.items()
        for what, size in SIZES.items()
        for before in ([], [ITEM])
    },
    **{f"bad chunk, {what}": [ITEM, *parts(LINES["set"], size, b"xxrest\r\n")] for what, size in SIZES.items()},
    "deleted meanwhile": [
        ITEM,
        unfinished(b"append $a 0 0 100000\r\n" + b"v" * 50_000),
        second(b"delete $a\r\n"),
        b"v" * 50_000 + b"\r\n",
        LOOK,
    ],
    "replaced meanwhile": [
        ITEM,
        unfinished(b"set $a 0 0 100000\r\n" + b"v" * 50_000),
        second(b"set $a 0 0 3\r\nnew\r\n"),
        b"v" * 50_000 + b"\r\n",
        LOOK,
        b"delete $a\r\n",
    ],
}
