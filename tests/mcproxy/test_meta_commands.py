"""What each meta line leads to: the request sent on, the key it is routed by, or the reply given here."""

import pytest

from mcproto.request_parser import RequestParser
from mcproxy.commands import PROXY_COMMANDS
from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.session import ClientSession
from tests.support.feeding import feed_all_ways
from tests.support.scripted_route import ScriptedRoute, Shell

LONG_OPAQUE = b"O" + b"1" * 32


@pytest.fixture
def play(service):
    """((key, text) of what is routed, replies, whether the connection ends) of a client's bytes."""

    def play(segments):
        route = ScriptedRoute(Result.NOTFOUND)
        service.routing.route = route.route
        session = ClientSession(service, Shell())
        parser = RequestParser(PROXY_COMMANDS, session)
        for segment in segments:
            if not session.is_ending:
                parser.feed(segment)
        return route.seen, session.queue.take(), session.is_ending

    return play


@pytest.mark.parametrize(
    ("sent", "seen", "replies"),
    [
        (b"mg a v\r\n", [(b"a", b"mg a v\r\n")], b"EN\r\n"),
        (b"mg a\r\n", [(b"a", b"mg a\r\n")], b"EN\r\n"),
        (b"mg a v q k O7\r\nmn\r\n", [(b"a", b"mg a v k O7\r\n")], b"MN\r\n"),
        (b"mg Zm9v b k\r\n", [(b"foo", b"mg Zm9v b k\r\n")], b"EN kZm9v b\r\n"),
        (b"mg IAo= b v\r\n", [(b"IAo=", b"mg IAo= b v\r\n")], b"EN\r\n"),
        (b"mg IAo= b v k q N0\r\nmn\r\n", [(b"IAo=", b"mg IAo= b v N0\r\n")], b"MN\r\n"),
        (b"me IAo= b\r\n", [], b"CLIENT_ERROR error decoding key\r\n"),
        (b"ms a 2 Mx\r\nhi\r\nmn\r\n", [], b"CLIENT_ERROR invalid mode for ms M token\r\nMN\r\n"),
        (b"ms a 2 T60\r\nhi\r\n", [(b"a", b"ms a 2 T60\r\nhi\r\n")], b"NF\r\n"),
        (b"ms a 2 q\r\nhi\r\n", [(b"a", b"ms a 2\r\nhi\r\n")], b"NF\r\n"),
        (b"ms Zm9v 0 b q\r\n\r\n", [(b"foo", b"ms Zm9v 0 b\r\n\r\n")], b"NF\r\n"),
        (b"md a q I\r\n", [(b"a", b"md a I\r\n")], b"NF\r\n"),
        (b"ma a D5 v\r\n", [(b"a", b"ma a D5 v\r\n")], b"NF\r\n"),
        (b"me a\r\n", [(b"a", b"me a\r\n")], b"EN\r\n"),
        (b"me Zm9v b and more\r\n", [(b"foo", b"me Zm9v b\r\n")], b"EN\r\n"),
        (b"mn\r\nmn\r\n", [], b"MN\r\nMN\r\n"),
        # refused here, in a server's words; the connection stays
        (b"mg a v v\r\nmn\r\n", [], b"CLIENT_ERROR duplicate flag\r\nMN\r\n"),
        (b"mg a !\r\nmn\r\n", [], b"CLIENT_ERROR bad command line format\r\nMN\r\n"),
        (b"mg a T\r\nmn\r\n", [], b"CLIENT_ERROR bad token in command line format\r\nMN\r\n"),
        (b"mg ?? b\r\nmn\r\n", [], b"CLIENT_ERROR error decoding key\r\nMN\r\n"),
        (b"mg %b v\r\nmn\r\n" % (b"k" * 251), [], b"CLIENT_ERROR bad command line format\r\nMN\r\n"),
        (b"ms a 2 Tx\r\nhi\r\nmn\r\n", [], b"CLIENT_ERROR bad token in command line format\r\nMN\r\n"),
        (b"ms a 2 %b\r\nhi\r\nmn\r\n" % LONG_OPAQUE, [], b"CLIENT_ERROR opaque token too long\r\nMN\r\n"),
        (b"ms %b 2\r\nhi\r\nmn\r\n" % (b"k" * 251), [], b"CLIENT_ERROR bad command line format\r\nMN\r\n"),
    ],
)
def test_lines(play, sent, seen, replies):
    feed_all_ways(play, sent, (seen, replies, False))


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"ms a x\r\n", b"CLIENT_ERROR bad command line format\r\n"),
        (b"ms a -1\r\n", b"CLIENT_ERROR bad command line format\r\n"),
        (b"ms a\r\n", b"CLIENT_ERROR bad command line format\r\n"),
        (b"ms a 2\r\nhixx", b"CLIENT_ERROR bad data chunk\r\n"),
    ],
)
def test_a_value_that_cannot_be_found_ends_the_connection(play, sent, reply):
    assert play([sent + b"mg smuggled\r\n"]) == ([], reply, True)


def test_a_value_longer_than_we_take_is_read_past(play, service):
    size = service.limits.value_bytes + 1
    sent = [b"ms a %d q\r\n" % size] + [b"x" * (1 << 20)] * (size >> 20) + [b"x" * (size % (1 << 20)) + b"\r\nmn\r\n"]
    assert play(sent) == ([], b"SERVER_ERROR object too large for cache\r\nMN\r\n", False)


def test_counters(play, service):
    play([b"mg a\r\nmg b\r\nms a 1\r\nx\r\nmd a\r\nma a\r\nme a\r\nmg a v v\r\n"])
    assert [service.commands[op] for op in Op if op.name.startswith("META")] == [2, 1, 1, 1, 1]
    assert service.errors[Result.CLIENT_ERROR] == 1


def test_a_large_value_is_held_against_its_client_until_it_is_answered(service):
    route = ScriptedRoute(Result.STORED, later=True)
    service.routing.route = route.route
    session = ClientSession(service, Shell())
    RequestParser(PROXY_COMMANDS, session).feed(b"ms a 5000 q\r\n%b\r\n" % (b"x" * 5000))
    assert session.value_bytes == 5002
    route.answer_next()
    assert (session.value_bytes, session.queue.take()) == (0, b"")
