"""Every case is fed whole, byte by byte and at random cuts; the calls must be the same."""

import random

import pytest

from mcproto.limits import GET_LINE_MAX
from mcproto.request_parser import Command, RequestParser
from tests.support.feeding import cuts, feed_all_ways


class Recorder:
    """A context that writes down what the parser calls."""

    def __init__(self, room: int = 1000) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.room = room
        self.released = 0
        self.parser = RequestParser(
            {
                b"get": Command(self.line),
                b"gets": Command(self.line),
                b"set": Command(self.value, 4),
                b"ms": Command(self.value, 2),
                b"quit": Command(self.stop),
            },
            self,
            turn=3,
        )

    def line(self, _: object, tokens: list[bytes]) -> None:
        self.calls.append(("line", *tokens))

    def value(self, _: object, tokens: list[bytes], value: bytes | None) -> None:
        self.calls.append(("value", *tokens, None if value is None else bytes(value)))

    def stop(self, _: object, tokens: list[bytes]) -> bool:
        self.calls.append(("stop",))
        return True

    def unknown_command(self, tokens: list[bytes]) -> None:
        self.calls.append(("unknown", *tokens))

    def bad_line(self, tokens: list[bytes]) -> None:
        self.calls.append(("bad", *tokens))

    def line_too_long(self) -> bool:
        self.calls.append(("too long",))
        return True

    def release_buffer(self, buffer: object) -> None:
        self.released += 1

    def value_buffer(self, tokens: list[bytes], size: int) -> bytearray | None:
        return bytearray(size) if size - 2 <= self.room else None

    def play(self, segments: list[bytes]) -> list[tuple[object, ...]]:
        for segment in segments:
            if ("too long",) in self.calls:
                break  # the connection would be closed
            more = self.parser.feed(segment)
            while more:
                more = self.parser.resume()
        return self.calls


def play(segments: list[bytes]) -> list[tuple[object, ...]]:
    return Recorder().play(segments)


CASES = {
    "lone get": (b"get k\r\n", [("line", b"get", b"k")]),
    "bare newline": (b"get k\n", [("line", b"get", b"k")]),
    "only the last CR goes": (b"get k\r\r\n", [("line", b"get", b"k\r")]),
    "blanks between and behind": (b"get  a   b  \r\n", [("line", b"get", b"a", b"b")]),
    "a leading blank is part of no command": (b" get k\r\n", [("unknown", b"", b"get", b"k")]),
    "tab and NUL are key bytes": (b"get a\tb c\x00d\r\n", [("line", b"get", b"a\tb", b"c\x00d")]),
    "short lines": (b"\r\n\na\r\nmn\n", [("bad",), ("bad",), ("bad",), ("bad",)]),
    "unknown": (b"nope x\r\n", [("unknown", b"nope", b"x")]),
    "case matters": (b"GET k\r\n", [("unknown", b"GET", b"k")]),
    "set": (b"set k 0 0 5\r\nhello\r\n", [("value", b"set", b"k", b"0", b"0", b"5", b"hello\r\n")]),
    "empty value": (b"set k 0 0 0\r\n\r\n", [("value", b"set", b"k", b"0", b"0", b"0", b"\r\n")]),
    "a value of commands": (
        b"set k 0 0 14\r\nget a\r\nquit\r\n\n\r\nget b\r\n",
        [("value", b"set", b"k", b"0", b"0", b"14", b"get a\r\nquit\r\n\n\r\n"), ("line", b"get", b"b")],
    ),
    "bytes are counted, bad end or not": (
        b"set k 0 0 3\r\nabcdeget x\r\n",
        [("value", b"set", b"k", b"0", b"0", b"3", b"abcde"), ("line", b"get", b"x")],
    ),
    "length in another place": (b"ms k 2\r\nhi\r\n", [("value", b"ms", b"k", b"2", b"hi\r\n")]),
    "length missing": (
        b"set k 0 0\r\nget x\r\n",
        [("bad", b"set", b"k", b"0", b"0"), ("line", b"get", b"x")],
    ),
    "length no number": (
        b"set k 0 0 -1\r\nset k 0 0 +1\r\nset k 0 0 x\r\n",
        [("bad", b"set", b"k", b"0", b"0", x) for x in (b"-1", b"+1", b"x")],
    ),
    "length of 2147483645 is the last": (
        b"set k 0 0 2147483646\r\n",
        [("bad", b"set", b"k", b"0", b"0", b"2147483646")],
    ),
    "pipelined": (
        b"get a\r\nset k 0 0 1\r\nx\r\nget b\r\nquit\r\nget c\r\nnope\r\n",
        [
            ("line", b"get", b"a"),
            ("value", b"set", b"k", b"0", b"0", b"1", b"x\r\n"),
            ("line", b"get", b"b"),
            ("stop",),
            ("line", b"get", b"c"),
            ("unknown", b"nope"),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_framing(name: str) -> None:
    data, expected = CASES[name]
    feed_all_ways(play, data, expected)


def test_swallowed_value_leaves_the_connection_usable() -> None:
    data = b"set k 0 0 2000\r\n" + b"x" * 2000 + b"\r\nget a\r\n"
    for segments in cuts(data):
        if len(segments) > 1 and len(segments[0]) < 2018:  # a value that came whole is handed over whole
            calls = Recorder().play(segments)
            assert calls == [("value", b"set", b"k", b"0", b"0", b"2000", None), ("line", b"get", b"a")]


@pytest.mark.parametrize(
    ("begin", "size", "closed"),
    [
        (b"set ", 2049, True),
        (b"set ", 2048, False),
        (b"gat 0 ", 2049, True),
        (b"get ", 100_000, False),
        (b"gets ", 100_000, False),
        (b" " * 100 + b"get ", 100_000, False),
        (b" " * 101 + b"get ", 100_000, True),
        (b"get ", GET_LINE_MAX, False),
        (b"get ", GET_LINE_MAX + 1, True),
    ],
)
def test_a_line_without_end(begin: bytes, size: int, closed: bool) -> None:
    line = begin + b"k" * (size - len(begin))
    for segments in ([line], [line[:5], line[5:]], [line[i : i + 4096] for i in range(0, len(line), 4096)]):
        assert Recorder().play(segments) == ([("too long",)] if closed else [])


def test_a_complete_line_may_be_longer() -> None:
    key = b"k" * 5000
    assert play([b"nope " + key + b"\r\n"]) == [("unknown", b"nope", key)]


def test_long_get_line_in_pieces() -> None:
    keys = [b"key%06d" % i for i in range(20_000)]
    line = b"get " + b" ".join(keys) + b"\r\nget z\r\n"
    pieces = [line[i : i + 1000] for i in range(0, len(line), 1000)]
    assert play(pieces) == [("line", b"get", *keys), ("line", b"get", b"z")]


def test_the_turn_is_bounded_and_resumes() -> None:
    recorder = Recorder()
    assert recorder.parser.feed(b"get a\r\n" * 7 + b"get") is True
    assert len(recorder.calls) == 3
    assert recorder.parser.mid_request
    assert recorder.parser.feed(b" b\r\n") is True  # more comes before the rest is handled
    assert len(recorder.calls) == 3
    while recorder.parser.resume():
        pass
    assert recorder.calls == [("line", b"get", b"a")] * 7 + [("line", b"get", b"b")]
    assert not recorder.parser.mid_request


def test_random_bytes_never_raise() -> None:
    rng = random.Random(5)
    words = [
        b"get ",
        b"set k 0 0 ",
        b"5",
        b"\r\n",
        b"\n",
        b" ",
        b"x",
        b"ms k ",
        b"quit",
        b"\x00",
        b"99999999999",
    ]
    for _ in range(3000):
        data = b"".join(rng.choice(words) for _ in range(rng.randrange(1, 25)))
        whole = Recorder().play([data])
        for segments in cuts(data, seed=rng.randrange(1 << 30), random_ways=2):
            assert Recorder().play(segments) == whole


class LongLines:
    """Takes a get's long lines whole."""

    def __init__(self, ends_turn: bool) -> None:
        self.seen: list[bytes] = []
        self.ends_turn = ends_turn
        commands = {
            b"get": Command(self.short, long_handler=self.long),
            b"gets": Command(self.short),
        }
        self.parser = RequestParser(commands, self)  # type: ignore[arg-type]

    def short(self, _context: object, tokens: list[bytes]) -> None:
        self.seen.append(b"%d tokens" % len(tokens))

    def long(self, _context: object, line: bytes) -> bool:
        self.seen.append(b"%d bytes" % len(line))
        return self.ends_turn


@pytest.mark.parametrize("ends_turn", [False, True])
@pytest.mark.parametrize("piece", [40_000, 65_537, 99_999])
def test_long_lines_go_to_their_own_handler(piece: int, ends_turn: bool) -> None:
    lines = LongLines(ends_turn)
    data = b"get" + b" a" * 50_000 + b"\r\nget a\nget" + b" a" * 50_000 + b"\ngets" + b" a" * 50_000 + b"\r\n"
    for start in range(0, len(data), piece):
        more = lines.parser.feed(data[start : start + piece])
        while more:
            more = lines.parser.resume()
    assert lines.seen == [b"100003 bytes", b"2 tokens", b"100003 bytes", b"50001 tokens"]
    assert lines.parser.held == 0
    assert not lines.parser.mid_request


def test_held_counts_what_has_come() -> None:
    lines = LongLines(False)
    lines.parser.feed(b"get a")
    assert lines.parser.held == 5
    lines.parser.forget()
    assert (lines.parser.held, lines.parser.mid_request) == (0, False)
