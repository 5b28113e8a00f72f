"""get and gets in turns: what one turn may hold, and that all turns together are the one answer."""

from __future__ import annotations

import itertools

import pytest

from mcproto.limits import GET_LINE_MAX, LONG_LINE
from mcproto.request_parser import RequestParser
from memcache_server.clock import Clock
from memcache_server.commands import COMMANDS
from memcache_server.session import Session, Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store, StoreOptions
from tests.memcache_server.store.reading import get, whole

BAD_LINE = b"CLIENT_ERROR bad command line format\r\n"


class Client:
    """A parser and a session, turned as a connection does; `turns` holds the reply bytes of each."""

    def __init__(self, memory_mb: int = 16) -> None:
        store = Store(StoreOptions(memory_limit=memory_mb << 20))
        self.session = Session(Shared(Settings(), store, Stats(), Clock()))
        self.parser = RequestParser(COMMANDS, self.session)
        self.turns: list[bytes] = []

    def ask(self, request: bytes, piece: int = 1 << 18) -> bytes:
        self.turns.clear()
        for start in range(0, len(request), piece):
            more = self.parser.feed(request[start : start + piece])
            self._take()
            while more:
                pending, self.session.pending = self.session.pending, None
                more = bool(pending is not None and pending()) or self.parser.resume()
                self._take()
        return b"".join(self.turns)

    def _take(self) -> None:
        self.turns.append(b"".join(whole(piece) or b"" for piece in self.session.out))
        self.session.out.clear()
        self.session.out_bytes = 0


@pytest.fixture
def client() -> Client:
    client = Client()
    for number in range(300):
        client.session.store.set(b"key-%d" % number, b"0", 0, b"%d\r\n" % number)
    for number in range(10):
        client.session.store.set(b"four-%d" % number, b"0", 0, b"f" * 4000 + b"\r\n")
        client.session.store.set(b"large-%d" % number, b"0", 0, b"l" * 100_000 + b"\r\n")
    return client


def text(client: Client, key: bytes) -> bytes:
    return get(client.session.store, key) or b""


@pytest.mark.parametrize("verb", [b"get", b"gets", b"gat 0", b"gats 0"])
def test_a_turn_is_bounded_in_small_values(client: Client, verb: bytes) -> None:
    line = verb + b" key-7" * 400 + b"\r\n"
    one = client.ask(verb + b" key-7\r\n").removesuffix(b"END\r\n")
    assert client.ask(line * 20).replace(b" ", b"") == (one * 400 + b"END\r\n").replace(b" ", b"") * 20
    assert max(map(len, client.turns)) < 1500 * len(one)
    assert sum(map(bool, client.turns)) >= 400 * 20 // 1024


@pytest.mark.parametrize("key", [b"four-1", b"large-1"])
@pytest.mark.parametrize("verb", [b"get", b"gets", b"gat 0", b"gats 0"])
def test_a_turn_is_bounded_in_bytes(client: Client, verb: bytes, key: bytes) -> None:
    line = verb + b" " + b" ".join([key] * 300) + b"\r\n"
    assert client.ask(line * 2).count(b"END\r\n") == 2
    assert max(map(len, client.turns)) < (1 << 19) + 110_000


def test_single_gets_are_bounded_in_bytes(client: Client) -> None:
    expected = text(client, b"large-1") + b"END\r\n"
    assert client.ask(b"get large-1\r\n" * 40) == expected * 40
    assert max(map(len, client.turns)) < (1 << 19) + 110_000


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b" \r\n"])
@pytest.mark.parametrize("verb", [b"get", b"gets"])
def test_a_long_line_answers_as_short_ones(client: Client, verb: bytes, end: bytes) -> None:
    keys = [b"key-%d" % (number % 400) for number in range(20_000)] + [b"large-3"] * 9 + [b"key-1", b"absent"]
    parts = [client.ask(b"%b %b\r\n" % (verb, key)).removesuffix(b"END\r\n") for key in keys]
    misses = client.session.stats.get_misses
    line = verb + b" " + b" ".join(keys) + end
    assert len(line) > LONG_LINE
    for piece in (50_000, 1 << 16):
        assert client.ask(line + b"version\r\n", piece) == b"".join(parts) + b"END\r\n" + b"VERSION 1.6.42\r\n"
        assert max(map(len, client.turns)) < (1 << 19) + 110_000
    assert client.session.stats.get_misses == misses * 3


def test_a_long_line_with_many_blanks(client: Client) -> None:
    line = b"get" + b" " * 90_000 + b"key-5" + b" " * 90_000 + b"key-6" + b" " * 5000 + b"\r\n"
    assert client.ask(line, 60_000) == text(client, b"key-5") + text(client, b"key-6") + b"END\r\n"


@pytest.mark.parametrize("place", [0, 9_999, 19_999])
def test_a_key_too_long_voids_a_long_line(client: Client, place: int) -> None:
    keys = [b"key-%d" % (number % 300) for number in range(20_000)]
    keys[place] = b"x" * 251
    assert client.ask(b"get " + b" ".join(keys) + b"\r\nversion\r\n", 60_000) == BAD_LINE + b"VERSION 1.6.42\r\n"
    keys[place] = b"x" * 250
    assert client.ask(b"get " + b" ".join(keys) + b"\r\n", 60_000).endswith(b"END\r\n")


def test_other_commands_with_long_lines_end_the_connection(client: Client) -> None:
    assert client.ask(b"touch " + b"k" * 100_000, 60_000) == b""
    assert client.session.closing


def test_an_endless_line(client: Client) -> None:
    for _ in itertools.repeat(None, GET_LINE_MAX // 200_000 + 2):
        client.ask(b"get " + b"k " * 100_000)
    assert client.session.closing
