"""The short way decides nothing that the parser would decide otherwise, however a client's bytes are cut."""

import logging
import random

import pytest

from mcdaemon.log_setup import RateLimited
from mcproto.request_parser import RequestParser
from mcproxy.client_connection import ClientConnection
from mcproxy.commands import PROXY_COMMANDS
from mcproxy.outcome import Result
from mcproxy.plain_requests import take_plain
from mcproxy.request import Op
from mcproxy.session import LARGE_VALUE, ClientSession
from tests.support.scripted_route import ScriptedRoute, Shell

KEY = b"k" * 250


def taken(service, data, most=1000):
    """(bytes taken, texts routed) of one read."""
    route = ScriptedRoute(Result.NOTFOUND)
    service.routing.route = route.route
    size = take_plain(ClientSession(service, Shell()), data, 0, most)
    return size, [text for _, text in route.seen]


@pytest.mark.parametrize(
    "data",
    [
        b"get a\r\n",
        b"get %b\r\n" % KEY,
        b"get a\tb\x01c\r\n",
        b"set a 1 2 3\r\nxyz\r\n",
        b"set a 0 0 0\r\n\r\n",
        b"set %b 999999999 999999999 3\r\n\r\n\0\r\n" % KEY,
        b"set a 1 2 3999\r\n%b\r\n" % (b"\n" * 3999),
    ],
)
def test_plain_requests_are_sent_on_as_they_came(service, data):
    assert taken(service, data) == (len(data), [data])
    assert service.commands[Op.GET] + service.commands[Op.SET] == 1


@pytest.mark.parametrize(
    "data",
    [
        b"get a b\r\n",
        b"get a",
        b"get a\n",
        b"get  a\r\n",
        b"get a\r\r\n",
        b"get \r\n",
        b"get %bk\r\n" % KEY,
        b"get _a\r\n",
        b"get a\0b\r\n",
        b"set a\0b 1 2 3\r\nxyz\r\n",
        b"get __mcrouter__.version\r\n",
        b"gets a\r\n",
        b"GET a\r\n",
        b"set a 1 2 3 noreply\r\nxyz\r\n",
        b"set a 1 2 3\r\nxyz\r",
        b"set a 1 2 3\r\nxyz",
        b"set a 1 2 3\r\n",
        b"set a 1 2 3\r\nxyzab",
        b"set a 1 2 3\nxyz\r\n",
        b"set a 1 -1 3\r\nxyz\r\n",
        b"set a 1234567890 2 3\r\nxyz\r\n",
        b"set a 1 2 +3\r\nxyz\r\n",
        b"set a 1 2 %d\r\n%b\r\n" % (LARGE_VALUE, b"x" * LARGE_VALUE),
        b"set %bk 0 0 3\r\nxyz\r\n" % KEY,
        b"delete a\r\n",
    ],
)
def test_all_else_is_left_for_the_parser_and_what_comes_behind_it(service, data):
    assert taken(service, data + b"get b\r\n") == (0, [])
    assert taken(service, b"get b\r\n" + data) == (7, [b"get b\r\n"])


def test_a_turn_ends(service):
    assert taken(service, b"get a\r\n" * 9, most=4) == (28, [b"get a\r\n"] * 4)


class Transport:
    """Nobody reads there."""

    def write(self, data):
        pass

    def is_closing(self):
        return False

    def get_extra_info(self, name):
        return None

    def get_write_buffer_size(self):
        return 0

    def close(self):
        pass

    pause_reading = resume_reading = close


def by_connection(service, segments):
    """(texts routed, replies, whether the connection ends, commands counted)."""
    route = ScriptedRoute(Result.NOTFOUND)
    service.routing.route = route.route
    connection = ClientConnection(service, RateLimited(logging.getLogger("test"), lambda: 0.0))
    connection.connection_made(Transport())
    for segment in segments:
        connection.data_received(segment)
    return seen(service, route, connection.session)


def by_parser(service, data):
    route = ScriptedRoute(Result.NOTFOUND)
    service.routing.route = route.route
    session = ClientSession(service, Shell())
    RequestParser(PROXY_COMMANDS, session).feed(data)
    return seen(service, route, session)


def seen(service, route, session):
    counted = list(service.commands)
    service.commands[:] = [0] * len(counted)
    return [text for _, text in route.seen], session.queue.take(), session.is_ending, counted


PIECES = (
    b"get a\r\n",
    b"get a b\r\n",
    b"set a 1 2 3\r\nxyz\r\n",
    b"set a 1 2 3 noreply\r\nxyz\r\n",
    b"set a 1 -1 14\r\nget b\r\nget c\r\n\r\n",
    b"get a\n",
    b"set b 0 0 7\r\nget c\r\n\r\n",
    b"delete a\r\n",
    b"version\r\n",
    b"get %bk\r\n" % KEY,
    b"set %bk 0 0 7\r\nget c\r\n\r\n" % KEY,
)


@pytest.mark.parametrize("seed", range(60))
def test_any_stream_is_understood_as_by_the_parser_alone(service, seed):
    rng = random.Random(seed)
    data = b"".join(rng.choices(PIECES, weights=(9, 1, 9, 1, 1, 1, 3, 1, 1, 1, 1), k=rng.randrange(1, 12)))
    data += rng.choice((b"", b"get", b"bogus\r\nget a\r\n", b"set a 0 0 1\r\nxx\r\nget a\r\n"))
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(4)))
    segments = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]
    assert by_connection(service, segments) == by_parser(service, data)
