"""What each line of a client leads to: the request sent on, or the reply given here."""

import pytest

from mcproto.request_parser import RequestParser
from mcproxy.commands import PROXY_COMMANDS
from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.session import ClientSession
from tests.support.feeding import feed_all_ways
from tests.support.scripted_route import ScriptedRoute, Shell

LONG = b"k" * 251
NUL_LINES = (
    b"get a\0b\r\n",
    b"gets a b\0\r\n",
    b"gat 0 \0\r\n",
    b"set a\0b 0 0 11\r\nflush_all\r\n\r\n",
    b"cas a\0b 0 0 1 1\r\nx\r\n",
    b"delete a\0b\r\n",
    b"incr a\0b 1\r\n",
    b"touch a\0b 0\r\n",
    b"lease-get a a\0b\r\n",
    b"lease-set a\0b 9 0 0 1\r\nx\r\n",
    b"metaget a\0b\r\n",
    b"mg a\0b v\r\n",
    b"ms a\0b 1\r\nx\r\n",
    b"md a\0b q\r\n",
    b"ma a\0b\r\n",
    b"me a\0b\r\n",
)


@pytest.fixture
def play(service):
    """(texts routed, replies, whether the connection ends) of a client's bytes, however they are cut."""

    def play(segments):
        route = ScriptedRoute(Result.NOTFOUND)
        service.routing.route = route.route
        session = ClientSession(service, Shell())
        parser = RequestParser(PROXY_COMMANDS, session)
        for segment in segments:
            if not session.is_ending:
                parser.feed(segment)
        return [text for _, text in route.seen], session.queue.take(), session.is_ending

    return play


@pytest.mark.parametrize(
    ("sent", "texts", "replies"),
    [
        (b"get a\r\n", [b"get a\r\n"], b"NOT_FOUND\r\n"),
        (b"get a\n", [b"get a\r\n"], b"NOT_FOUND\r\n"),
        (b"get  a \r\n", [b"get a\r\n"], b"NOT_FOUND\r\n"),
        (b"gets a\r\n", [b"gets a\r\n"], b"NOT_FOUND\r\n"),
        (b"get a b\r\n", [b"get a\r\n", b"get b\r\n"], b"END\r\n"),
        (b"gets a b\r\n", [b"gets a\r\n", b"gets b\r\n"], b"END\r\n"),
        (b"gat 60 a\r\n", [b"gat 60 a\r\n"], b"NOT_FOUND\r\n"),
        (b"gats -1 a b\r\n", [b"gats -1 a\r\n", b"gats -1 b\r\n"], b"END\r\n"),
        (b"set a 1 2 3\r\nxyz\r\n", [b"set a 1 2 3\r\nxyz\r\n"], b"NOT_FOUND\r\n"),
        (b"set a 1 2 3\nxyz\r\n", [b"set a 1 2 3\r\nxyz\r\n"], b"NOT_FOUND\r\n"),
        (b"set a 1 2 0\r\n\r\n", [b"set a 1 2 0\r\n\r\n"], b"NOT_FOUND\r\n"),
        (b"set a 1 2 3 noreply\r\nxyz\r\n", [b"set a 1 2 3\r\nxyz\r\n"], b""),
        (b"set noreply 1 2 3\r\nxyz\r\n", [b"set noreply 1 2 3\r\nxyz\r\n"], b"NOT_FOUND\r\n"),
        (b"set a 4294967296 -1 1\r\nx\r\n", [b"set a 4294967296 -1 1\r\nx\r\n"], b"NOT_FOUND\r\n"),
        (b"add a 1 2 1\r\nx\r\n", [b"add a 1 2 1\r\nx\r\n"], b"NOT_FOUND\r\n"),
        (b"replace a 1 2 1\r\nx\r\n", [b"replace a 1 2 1\r\nx\r\n"], b"NOT_FOUND\r\n"),
        (b"append a 1 2 1\r\nx\r\n", [b"append a 1 2 1\r\nx\r\n"], b"NOT_FOUND\r\n"),
        (b"prepend a 1 2 1\r\nx\r\n", [b"prepend a 1 2 1\r\nx\r\n"], b"NOT_FOUND\r\n"),
        (b"cas a 1 2 1 7\r\nx\r\n", [b"cas a 1 2 1 7\r\nx\r\n"], b"NOT_FOUND\r\n"),
        (b"cas a 1 2 1 7 noreply\r\nx\r\n", [b"cas a 1 2 1 7\r\nx\r\n"], b""),
        (b"delete a\r\n", [b"delete a\r\n"], b"NOT_FOUND\r\n"),
        (b"delete a 0\r\n", [b"delete a\r\n"], b"NOT_FOUND\r\n"),
        (b"delete a 5\r\n", [b"delete a 5\r\n"], b"NOT_FOUND\r\n"),
        (b"delete a 0 noreply\r\n", [b"delete a\r\n"], b""),
        (b"delete a noreply\r\n", [b"delete a\r\n"], b""),
        (b"delete noreply\r\n", [b"delete noreply\r\n"], b"NOT_FOUND\r\n"),
        (b"incr a 18446744073709551615\r\n", [b"incr a 18446744073709551615\r\n"], b"NOT_FOUND\r\n"),
        (b"decr a 1 noreply\r\n", [b"decr a 1\r\n"], b""),
        (b"touch a -5\r\n", [b"touch a -5\r\n"], b"NOT_FOUND\r\n"),
        (b"touch a 5 noreply\r\n", [b"touch a 5\r\n"], b""),
        (b"version\r\n", [], b"VERSION mcrouter\r\n"),
        (b"verbosity 2\r\n", [], b"OK\r\n"),
        (b"verbosity 2 noreply\r\n", [], b""),
        (b"flush_all\r\n", [], b"SERVER_ERROR Command disabled\r\n"),
        (b"flush_all 10 noreply\r\n", [], b""),
        (b"shutdown\r\n", [], b"SERVER_ERROR Command disabled\r\n"),
        (b"stats\r\n", [], b"END\r\n"),
        # a key that no server takes: the line is refused, the value read past, the connection stays
        (b"get %b\r\nget a\r\n" % LONG, [b"get a\r\n"], b"CLIENT_ERROR bad key\r\nNOT_FOUND\r\n"),
        *((line, [], b"CLIENT_ERROR bad key\r\n") for line in NUL_LINES),
        (b"get a %b\r\nget a\r\n" % LONG, [b"get a\r\n"], b"CLIENT_ERROR bad key\r\nNOT_FOUND\r\n"),
        (b"set %b 0 0 3\r\nget\r\nget a\r\n" % LONG, [b"get a\r\n"], b"CLIENT_ERROR bad key\r\nNOT_FOUND\r\n"),
        (b"set %b 0 0 1 noreply\r\nx\r\n" % LONG, [], b""),
        (b"incr %b 1\r\n" % LONG, [], b"CLIENT_ERROR bad key\r\n"),
        (b"get %b\r\n" % LONG[:250], [b"get %b\r\n" % LONG[:250]], b"NOT_FOUND\r\n"),
    ],
)
def test_usable_lines(play, sent, texts, replies):
    feed_all_ways(play, sent, (texts, replies, False))


MALFORMED = b"CLIENT_ERROR malformed request\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"bogus\r\n",
        b"GET a\r\n",
        b" get a\r\n",
        b"mz a v\r\n",
        b"\r\n",
        b"get\r\n",
        b"gat a\r\n",
        b"gat x a\r\n",
        b"set a 0 0\r\n",
        b"set a 0 0 -1\r\n",
        b"set a 0 0 x\r\n",
        b"set a 0 0 3 7\r\nxyz\r\n",
        b"set a x 0 1\r\nx\r\n",
        b"set a -1 0 1\r\nx\r\n",
        b"set a 99999999999999999999 0 1\r\nx\r\n",
        b"set a 0 x 1\r\nx\r\n",
        b"set a 0 0 3\r\nxyzz\r\n",
        b"cas a 0 0 1\r\nx\r\n",
        b"cas a 0 0 1 x\r\nx\r\n",
        b"delete\r\n",
        b"delete a b\r\n",
        b"delete a 0 0\r\n",
        b"incr a\r\n",
        b"incr a x\r\n",
        b"incr a -1\r\n",
        b"incr a 1 1\r\n",
        b"touch a\r\n",
        b"touch a x\r\n",
        b"flush_all x\r\n",
        b"flush_all 1 2\r\n",
        b"verbosity\r\n",
    ],
)
def test_a_line_that_makes_no_sense_ends_the_connection_and_sends_nothing(play, sent):
    texts, replies, ends = play([sent + b"get smuggled\r\n"])
    assert (texts, replies, ends) == ([], MALFORMED, True)


def test_what_came_before_a_malformed_line_is_answered(play):
    assert play([b"get a\r\nbogus\r\nget b\r\n"]) == ([b"get a\r\n"], b"NOT_FOUND\r\n" + MALFORMED, True)


def test_http_is_closed_without_a_word(play, service):
    assert play([b"GET / HTTP/1.1\r\nHost: x\r\nset a 0 0 1\r\nx\r\n"]) == ([], b"", True)
    assert service.refused["http"] == 1


def test_a_line_without_an_end_is_given_up(play):
    assert play([b"set " + b"x" * 3000]) == ([], MALFORMED, True)


def test_quit(play):
    assert play([b"get a\r\nquit\r\nget b\r\n"]) == ([b"get a\r\n"], b"NOT_FOUND\r\n", True)


def test_a_value_longer_than_we_take_is_read_past(play, service):
    size = service.limits.value_bytes + 1
    chunk = b"x" * (1 << 20)
    sent = [b"set a 0 0 %d\r\n" % size] + [chunk] * (size >> 20) + [b"x" * (size % (1 << 20)) + b"\r\nget b\r\n"]
    assert play(sent) == ([b"get b\r\n"], b"SERVER_ERROR object too large for cache\r\nNOT_FOUND\r\n", False)


def test_a_declared_length_alone_costs_no_memory(service):
    session = ClientSession(service, Shell())
    buffer = session.value_buffer([b"set"], service.limits.value_bytes)
    assert isinstance(buffer, memoryview)  # anonymous memory, touched as the value comes
    assert len(buffer) == service.limits.value_bytes


@pytest.mark.parametrize("verb", [b"get", b"gets"])
def test_very_many_keys(play, service, verb):
    keys = [b"key%d" % number for number in range(30_000)]
    line = verb + b" " + b" ".join(keys) + b"\r\n"
    texts = [b"%b %b\r\n" % (verb, key) for key in keys]
    assert play([line]) == (texts, b"END\r\n", False)
    assert play([line[at : at + 20_000] for at in range(0, len(line), 20_000)]) == (texts, b"END\r\n", False)
    assert service.commands[Op.GETS if verb == b"gets" else Op.GET] == 60_000


def test_a_long_line_without_keys_or_with_a_bad_one(play):
    assert play([b"get " + b" " * 60_000, b" " * 60_000 + b"\r\n"]) == ([], MALFORMED, True)
    texts, replies, _ = play([b"get" + b" a" * 40_000, b" %b b\r\n" % LONG])
    assert replies == b"CLIENT_ERROR bad key\r\n"
    assert b"get b\r\n" not in texts
    assert play([b"gets" + b" a" * 40_000, b" a\0b b\r\n"]) == ([], b"CLIENT_ERROR bad key\r\n", False)


def test_counters(play, service):
    play([b"get a b c\r\nget a\r\nset a 0 0 1\r\nx\r\nbogus\r\n"])
    assert service.commands[Op.GET] == 4
    assert service.commands[Op.SET] == 1
    assert service.errors[Result.BAD_COMMAND] == 1
    assert service.refused["malformed"] == 1


def test_a_large_value_is_held_against_its_client_until_it_is_answered(service):
    route = ScriptedRoute(Result.STORED, later=True)
    service.routing.route = route.route
    session = ClientSession(service, Shell())
    parser = RequestParser(PROXY_COMMANDS, session)
    parser.feed(b"set a 0 0 5000\r\n%b\r\nset b 0 0 9 noreply\r\n123456789\r\n" % (b"x" * 5000))
    assert session.value_bytes == 5002
    route.answer_next()
    assert session.value_bytes == 0
    route.answer_next()
    assert session.queue.take() == b"STORED\r\n"
