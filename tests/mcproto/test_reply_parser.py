"""Replies fed whole, byte by byte and at random cuts."""

import pytest

from mcproto.errors import ProtocolError
from mcproto.reply_parser import Kind, ReplyParser
from tests.support.feeding import feed_all_ways


def play(segments: list[bytes]) -> list[tuple[int, bytes]]:
    replies: list[tuple[int, bytes]] = []
    parser = ReplyParser(lambda kind, raw: replies.append((kind, raw)))
    for segment in segments:
        parser.feed(segment)
    return replies


REPLIES = [
    (Kind.END, b"END\r\n"),
    (Kind.VALUES, b"VALUE k 0 5\r\nhello\r\nEND\r\n"),
    (Kind.VALUES, b"VALUE k 0 5\r\nEND\r\n\r\nEND\r\n"),
    (Kind.VALUES, b"VALUE a 1 0 77\r\n\r\nVALUE b 2 11 78\r\nVALUE x 0 9\r\nEND\r\n"),
    (Kind.STORED, b"STORED\r\n"),
    (Kind.NOT_STORED, b"NOT_STORED\r\n"),
    (Kind.EXISTS, b"EXISTS\r\n"),
    (Kind.NOT_FOUND, b"NOT_FOUND\r\n"),
    (Kind.DELETED, b"DELETED\r\n"),
    (Kind.TOUCHED, b"TOUCHED\r\n"),
    (Kind.OK, b"OK\r\n"),
    (Kind.NUMBER, b"18446744073709551615\r\n"),
    (Kind.VERSION, b"VERSION 1.6.42\r\n"),
    (Kind.STATS, b"STAT pid 1\r\nSTAT version 1.6.42\r\nEND\r\n"),
    (Kind.ERROR, b"ERROR\r\n"),
    (Kind.ERROR, b"ERROR Too many open connections\r\n"),
    (Kind.CLIENT_ERROR, b"CLIENT_ERROR bad data chunk\r\n"),
    (Kind.SERVER_ERROR, b"SERVER_ERROR \xff\r\n"),
    (Kind.SERVER_ERROR, b"VALUE a 0 1\r\nx\r\nSERVER_ERROR out of memory writing get response\r\n"),
    (Kind.META_VALUE, b"VA 2 s2\r\nhi\r\n"),
    (Kind.META_VALUE, b"VA 0\r\n\r\n"),
    (Kind.META_HIT, b"HD\r\n"),
    (Kind.META_HIT, b"HD Oxy\r\n"),
    (Kind.META_MISS, b"EN\r\n"),
    (Kind.META_NOOP, b"MN\r\n"),
]


@pytest.mark.parametrize(("kind", "raw"), REPLIES)
def test_one(kind: int, raw: bytes) -> None:
    feed_all_ways(play, raw, [(kind, raw)])


def test_all_in_a_row() -> None:
    feed_all_ways(play, b"".join(raw for _, raw in REPLIES), REPLIES)


def test_a_big_value_is_joined_once() -> None:
    raw = b"VALUE k 0 1000000\r\n" + b"x" * 1_000_000 + b"\r\nEND\r\n"
    data = raw + b"END\r\n"
    assert play([data[i : i + 65536] for i in range(0, len(data), 65536)]) == [
        (Kind.VALUES, raw),
        (Kind.END, b"END\r\n"),
    ]


def test_the_blocks_of_a_reply_of_several_values() -> None:
    def play_blocks(segments: list[bytes]) -> list[tuple[list[bytes], list[bytes]]]:
        seen: list[tuple[list[bytes], list[bytes]]] = []

        def on_reply(_kind: int, raw: bytes) -> None:
            assert not parser.keys or b"".join(parser.blocks) == raw
            if not raw.startswith(b"VALUE c"):
                seen.append((list(parser.keys), list(parser.blocks)))

        parser = ReplyParser(on_reply)
        for segment in segments:
            parser.feed(segment)
        return seen

    a, b = b"VALUE a 1 5 77\r\nEND\r\n\r\n", b"VALUE b 2 0\r\n\r\n"
    raw = a + b + a + b"END\r\nVALUE c 0 1\r\nx\r\nEND\r\nEND\r\n" + b + b + b"END\r\n"
    several = ([b"a", b"b", b"a"], [a, b, a, b"END\r\n"])
    feed_all_ways(play_blocks, raw, [several, ([], []), ([b"b", b"b"], [b, b, b"END\r\n"])])


def test_a_long_reply_of_many_values_is_joined_in_pieces() -> None:
    block = b"VALUE k 0 100000\r\n" + b"x" * 100_000 + b"\r\n"
    raw = block * 50 + b"END\r\n"
    replies: list[bytes] = []
    parser = ReplyParser(lambda _kind, raw: replies.append(raw))
    for start in range(0, len(raw), 65536):
        parser.feed(raw[start : start + 65536])
        assert sum(map(len, parser._pieces)) < len(block) + 65536
    assert replies == [raw]


@pytest.mark.parametrize(
    "junk",
    [
        b"hello\r\n",
        b"VALUE k 0\r\n",
        b"VALUE k 0 x\r\n",
        b"VA x\r\n",
        b"\r\n",
        b"VALUE k 0 1\r\nx\r\nSTORED\r\n",
        b"VALUE k 0 1\r\nx\r\nSTAT pid 1\r\nEND\r\n",
        b"STAT pid 1\r\nVALUE k 0 1\r\nx\r\nEND\r\n",
        b"VALUE k 0 1\r\nx\r\nVALUE k 0 -9\r\n",
        b"x" * 70_000,
    ],
)
def test_junk_is_a_protocol_error(junk: bytes) -> None:
    with pytest.raises(ProtocolError):
        play([junk])


def test_a_reply_beyond_the_bound() -> None:
    parser = ReplyParser(lambda kind, raw: None, reply_max=1000)
    with pytest.raises(ProtocolError, match="1000"):
        parser.feed(b"VALUE k 0 2000\r\n")
    parser = ReplyParser(lambda kind, raw: None, reply_max=1000)
    with pytest.raises(ProtocolError, match="1000"):
        for _ in range(10):
            parser.feed(b"VALUE k 0 100\r\n%b\r\n" % (b"x" * 100))
