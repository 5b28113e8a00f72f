"""The short way decides nothing that the parser would decide otherwise, however a client's bytes are cut."""

from __future__ import annotations

import random

import pytest

from mcproto.request_parser import RequestParser
from memcache_server.clock import Clock
from memcache_server.commands import COMMANDS
from memcache_server.observation import Observation
from memcache_server.plain_requests import take_plain
from memcache_server.session import Session, Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import LargeText, Store, StoreOptions

KEY = b"k" * 250


def new_session(limit: int = 8 << 20) -> Session:
    return Session(Shared(Settings(), Store(StoreOptions(memory_limit=limit)), Stats(), Clock()))


@pytest.fixture
def session() -> Session:
    return new_session()


def replies(session: Session) -> bytes:
    """What was answered so far."""
    pieces = [piece.opening(len(piece)) if isinstance(piece, LargeText) else piece for piece in session.out]
    session.out.clear()
    return b"".join(map(bytes, pieces))


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"get a\r\n", b"VALUE a 0 1\r\nx\r\nEND\r\n"),
        (b"get no\r\n", b"END\r\n"),
        (b"get %b\r\n" % KEY, b"END\r\n"),
        (b"get a\r\nget no\r\nget a\r\n", b"VALUE a 0 1\r\nx\r\nEND\r\nEND\r\nVALUE a 0 1\r\nx\r\nEND\r\n"),
        (b"set a 0 0 3\r\n\n\r\0\r\nget a\r\n", b"STORED\r\nVALUE a 0 3\r\n\n\r\0\r\nEND\r\n"),
        (b"set b 0 0 00\r\n\r\nget b\r\n", b"STORED\r\nVALUE b 0 0\r\n\r\nEND\r\n"),
        (b"set %b 0 0 1\r\ny\r\n" % KEY, b"STORED\r\n"),
        (b"get a\tb\r\n", b"END\r\n"),
        (b"set b 70 0 1\r\ny\r\nset b 71 0 1\r\nz\r\nget b\r\n", b"STORED\r\nSTORED\r\nVALUE b 71 1\r\nz\r\nEND\r\n"),
        (b"set b 999999999 0 1 noreply\r\ny\r\nget b\r\n", b"VALUE b 999999999 1\r\ny\r\nEND\r\n"),
        (b"set b 0 010 1\r\ny\r\nget b\r\n", b"STORED\r\nVALUE b 0 1\r\ny\r\nEND\r\n"),
        (b"set b 0 1 1\r\ny\r\n", b"STORED\r\n"),
        (b"set b 1 100000000 1\r\ny\r\nget b\r\n", b"STORED\r\nEND\r\n"),  # a Unix time of 1973
    ],
)
def test_plain_requests_are_answered(session: Session, data: bytes, answer: bytes) -> None:
    session.store.set(b"a", b"0", 0, b"x\r\n")
    assert (take_plain(session, data, 0, 20), replies(session)) == (len(data), answer)


@pytest.mark.parametrize(
    "data",
    [
        b"get a b\r\n", b"get a", b"get a\r", b"get a\n", b"get a\r\r\n", b"get a\n\r", b"get \r\n", b"get\r\n",
        b"get\ta\r\n", b"get  a\r\n", b"get a \r\n", b" get a\r\n", b"get %bk\r\n" % KEY, b"GET a\r\n", b"gets a\r\n",
        b"set a 4294967295 0 1\r\nx\r\n", b"set a 0 -1 1\r\nx\r\n", b"set a 0 0 2\r\nx\r\n", b"set a 0 +1 1\r\nx\r\n",
        b"set a 0 0 1 noreply \r\nx\r\n", b"set a 0 0 1 Noreply\r\nx\r\n", b"set a 0 0 1 0\r\nx\r\n",
        b"set a 0 0 1\r\nxx\r\n", b"set a 0 0 1\r\nx\r", b"set a 0 0 -1\r\n", b"set a 0 0 1\nx\r\n", b"set a 0 0\r\n",
        b"set %bk 0 0 1\r\nx\r\n" % KEY, b"set a 00 0 1\r\nx\r\n", b"set a 0 0 100000\r\n", b"\r\n", b"g",
    ],
)  # fmt: skip
def test_others_are_left_to_the_parser_with_all_that_follows(session: Session, data: bytes) -> None:
    assert take_plain(session, data + b"get a\r\n", 0, 20) in (0, len(b"get a\r\n"))
    assert take_plain(session, b"get no\r\n" + data, 0, 20) == len(b"get no\r\n")
    assert session.store.index.count == 0


def test_a_turn_has_so_many_requests(session: Session) -> None:
    data = b"get a\r\n" * 30 + b"set a 0 0 1\r\nx\r\n" * 30
    assert take_plain(session, data, 0, 7) == ~(7 * 7)
    assert take_plain(session, data, 0, 33) == ~(30 * 7 + 3 * 16)
    assert take_plain(session, data, 0, 60) == len(data)
    assert replies(session).count(b"END\r\n") == 7 + 30 + 30


@pytest.mark.parametrize("requests", [1, 3])
def test_large_replies_end_the_turn(session: Session, requests: int) -> None:
    session.store.set(b"a", b"0", 0, b"x" * 100_000 + b"\r\n")
    assert take_plain(session, b"get a\r\n" * requests, 0, 20) == ~len(b"get a\r\n")
    assert session.out_bytes > 100_000
    assert len(session.out) == 2


def test_a_value_too_large_is_refused_and_counted() -> None:
    store = Store(StoreOptions(item_size_max=1024, chunk_max=512))
    session = Session(Shared(Settings(), store, Stats(), Clock()))
    store.set(b"a", b"0", 0, b"x\r\n")
    data = b"set a 0 0 2000\r\n%b\r\nget a\r\n" % (b"y" * 2000)
    assert take_plain(session, data, 0, 20) == len(data)
    assert replies(session) == b"SERVER_ERROR object too large for cache\r\nEND\r\n"
    assert session.stats.store_too_large == 1


def test_an_observed_store_is_told_of_each_command(session: Session) -> None:
    observation = Observation(session.server, COMMANDS)
    session.server.prefixes.enabled = True
    observation.refresh()
    assert take_plain(session, b"get a\r\n", 0, 20) == 0
    session.server.prefixes.enabled = False
    observation.refresh()
    assert take_plain(session, b"get a\r\n", 0, 20) == 7


def requests(rng: random.Random) -> bytes:
    """Some requests, most of them plain."""
    made = []
    for _ in range(rng.randrange(1, 40)):
        key = rng.choice((b"a", b"b", b"c", KEY))
        value = b"v" * rng.choice((0, 1, 10, 300, 5000))
        made.append(
            rng.choice(
                (
                    b"get %b\r\n" % key, b"get %b\r\n" % key, b"get a b c\r\n", b"get %b\n" % key,
                    b"delete %b\r\n" % key,
                    b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value),
                    b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value),
                    b"set %b %d %d %d%b\r\n%b\r\n"
                    % (key, rng.choice((0, 5, 6, 77)), rng.choice((0, 0, 9, 70, 90, 99_999_999)), len(value),
                       rng.choice((b"", b" noreply")), value),
                    b"set %b 0 0 3\r\nxx\r\n\r\n" % key, b"gets %b\r\n" % key,
                )
            )
        )  # fmt: skip
    return b"".join(made)


@pytest.mark.parametrize("seed", range(40))
def test_the_parser_alone_says_the_same(seed: int) -> None:
    rng = random.Random(seed)
    data = requests(rng)
    short, alone = new_session(), new_session()
    parsers = [RequestParser(COMMANDS, short, 20, take_plain), RequestParser(COMMANDS, alone, 20)]
    position = 0
    while position < len(data):
        cut = position + rng.choice((1, 7, 50, 4000, 60_000))
        for parser in parsers:
            ended = parser.feed(data[position:cut])
            while ended:
                ended = parser.resume()
        position = cut
        assert replies(short) == replies(alone)
    assert vars_of(short.stats) == vars_of(alone.stats)
    assert vars_of(short.store.stats) == vars_of(alone.store.stats)


def vars_of(stats: object) -> dict[str, object]:
    slots = {name for owner in type(stats).__mro__ for name in getattr(owner, "__slots__", ())}
    return {name: getattr(stats, name) for name in slots} | getattr(stats, "__dict__", {})
