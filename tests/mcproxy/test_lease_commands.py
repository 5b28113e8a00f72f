"""mcrouter's own commands: what each line leads to, and what the client reads."""

import pytest

from mcproto.request_parser import RequestParser
from mcproxy import lease_commands
from mcproxy.commands import PROXY_COMMANDS
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op
from mcproxy.session import ClientSession
from tests.support.cache_route import ERRORS, CacheRoute
from tests.support.feeding import feed_all_ways
from tests.support.scripted_route import Shell

LONG = b"k" * 251
BAD_KEY = b"CLIENT_ERROR bad key\r\n"
MALFORMED = b"CLIENT_ERROR malformed request\r\n"


@pytest.fixture
def play(service):
    """(cache, replies, whether the connection ends) of a client's bytes."""

    def play(*segments, cache=None):
        cache = cache or CacheRoute()
        service.routing.route = cache.route
        session = ClientSession(service, Shell())
        parser = RequestParser(PROXY_COMMANDS, session)
        for segment in segments:
            if not session.is_ending:
                parser.feed(segment)
        cache.answer_all()
        return cache, session.queue.take(), session.is_ending

    return play


@pytest.mark.parametrize(
    ("sent", "replies"),
    [
        (b"lease-get k\r\n", b"LVALUE k 3 0 0\r\n\r\nEND\r\n"),
        (b"lease-get hit\r\n", b"VALUE hit 0 1\r\nv\r\nEND\r\n"),
        (b"lease-get k hit j\r\n", b"LVALUE k 3 0 0\r\n\r\nVALUE hit 0 1\r\nv\r\nLVALUE j 4 0 0\r\n\r\nEND\r\n"),
        (b"lease-get k k\r\n", b"LVALUE k 3 0 0\r\n\r\nLVALUE k 3 0 0\r\n\r\nEND\r\n"),
        (b"lease-get k\r\nlease-get k\r\n", b"LVALUE k 3 0 0\r\n\r\nEND\r\nLVALUE k 1 0 0\r\n\r\nEND\r\n"),
        (b"lease-get " + LONG + b"\r\n", BAD_KEY),
        (b"lease-set k 3 5 60 1\r\nx\r\n", b"NOT_STORED\r\n"),
        (b"lease-get k\r\nlease-set k 3 5 60 1\r\nx\r\nget k\r\n",
         b"LVALUE k 3 0 0\r\n\r\nEND\r\nSTORED\r\nVALUE k 5 1\r\nx\r\nEND\r\n"),
        (b"lease-get k\r\nlease-set k 3 5 60 1 noreply\r\nx\r\nget k\r\n",
         b"LVALUE k 3 0 0\r\n\r\nEND\r\nVALUE k 5 1\r\nx\r\nEND\r\n"),
        (b"lease-get k\r\nlease-set k 0 5 60 1\r\nx\r\n", b"LVALUE k 3 0 0\r\n\r\nEND\r\nNOT_STORED\r\n"),
        (b"lease-get k\r\nlease-set k 1 5 60 1\r\nx\r\n", b"LVALUE k 3 0 0\r\n\r\nEND\r\nNOT_STORED\r\n"),
        (b"lease-get k\r\ndelete k\r\nlease-set k 3 5 60 1\r\nx\r\n",
         b"LVALUE k 3 0 0\r\n\r\nEND\r\nDELETED\r\nNOT_STORED\r\n"),
        (b"lease-get k\r\nset k 0 0 1\r\ny\r\nlease-set k 3 5 60 1\r\nx\r\n",
         b"LVALUE k 3 0 0\r\n\r\nEND\r\nSTORED\r\nNOT_STORED\r\n"),
        (b"lease-set " + LONG + b" 3 5 60 1\r\nx\r\n", BAD_KEY),
        (b"lease-set " + LONG + b" 3 5 60 1 noreply\r\nx\r\n", b""),
    ],
)  # fmt: skip
def test_leases(play, sent, replies):
    def outcome(segments):
        return play(*segments, cache=CacheRoute(hit=b"v"))[1:]

    feed_all_ways(outcome, sent, (replies, False))


@pytest.mark.parametrize(
    "sent",
    [
        b"lease-get\r\n",
        b"metaget\r\n",
        b"lease-set k 3 5 60\r\n",
        b"lease-set k 3 5 60 x\r\n",
        b"lease-set k x 5 60 1\r\nx\r\n",
        b"lease-set k -1 5 60 1\r\nx\r\n",
        b"lease-set k 3 x 60 1\r\nx\r\n",
        b"lease-set k 3 5 x 1\r\nx\r\n",
        b"lease-set k 3 5 60 1 2\r\nx\r\n",
        b"lease-set k 3 5 60 1\r\nxyz\r\n",
    ],
)
def test_malformed_lines_end_the_connection(play, sent):
    cache, replies, is_ending = play(sent)
    assert (cache.texts, replies, is_ending) == ([], MALFORMED, True)


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(
    "sent", [b"lease-get k\r\n", b"lease-get k j\r\n", b"metaget k\r\n", b"lease-set k 3 5 0 1\r\nx\r\n"]
)
def test_an_error_is_the_whole_reply(play, sent, error):
    assert play(sent, cache=CacheRoute(failing=error))[1] == OUTCOMES[error].line


def test_an_error_hides_behind_noreply(play):
    assert play(b"lease-set k 3 5 0 1 noreply\r\nx\r\n", cache=CacheRoute(failing=Result.BUSY))[1] == b""


def test_metaget_tells_when_items_expire(play, monkeypatch):
    monkeypatch.setattr(lease_commands.time, "time", lambda: 1000.5)
    cache = CacheRoute()
    cache.put(b"k", b"v", exptime=60)
    cache.put(b"j", b"v")
    _, replies, _ = play(b"metaget k none j\r\nmetaget none\r\n", cache=cache)
    assert replies == (
        b"META k age: unknown; exptime: 1060; from: unknown\r\n"
        b"META j age: unknown; exptime: 0; from: unknown\r\n"
        b"END\r\nEND\r\n"
    )
    assert cache.texts[0] == b"mg k u t\r\n"


def test_what_is_counted(play, service):
    play(b"lease-get a b\r\nlease-set a 2 0 0 1\r\nx\r\nmetaget a b c\r\n")
    assert [service.commands[op] for op in (Op.LEASE_GET, Op.LEASE_SET, Op.META_GET)] == [2, 1, 3]


def test_each_waits_for_its_turn(play):
    _, replies, _ = play(b"get none\r\nlease-get k\r\nget none\r\n", cache=CacheRoute(later=True))
    assert replies == b"END\r\nLVALUE k 3 0 0\r\n\r\nEND\r\nEND\r\n"
