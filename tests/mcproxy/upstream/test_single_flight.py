"""Identical gets are sent once, and never answered with what a write of this process has replaced."""

import random

import pytest

from mcproxy.outcome import Result
from mcproxy.request import KeysRequest, Op, Request
from mcproxy.upstream.single_flight import SingleFlight
from tests.support.scripted_route import Replies


class Server:
    """Keeps requests until they are answered, in order."""

    def __init__(self):
        self.requests = []
        self.texts = []

    def send(self, request):
        self.requests.append(request)
        self.texts.append(request.text)

    def answer(self, raw, result=Result.FOUND):
        request = self.requests.pop(0)
        request.waiter.on_reply(request, result, raw)


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def flight(server):
    return SingleFlight(server.send, {})


def get(flight, key=b"k"):
    replies = Replies()
    flight.send(Request(Op.GET, key, b"get %b\r\n" % key, replies))
    return replies


def test_gets_that_come_while_one_is_under_way_are_answered_by_its_reply(flight, server):
    first, second, other, third = get(flight), get(flight), get(flight, b"other"), get(flight)
    assert server.texts == [b"get k\r\n", b"get other\r\n"]
    server.answer(b"VALUE k")
    assert first.got == second.got == third.got == [(Result.FOUND, b"VALUE k")]
    assert other.got == []
    assert flight.joined == 2
    get(flight)
    assert server.texts[2:] == [b"get k\r\n"]


@pytest.mark.parametrize("result", [Result.NOTFOUND, Result.TIMEOUT, Result.TKO, Result.REMOTE_ERROR])
def test_misses_and_errors_are_everybodys_too(flight, server, result):
    first, second = get(flight), get(flight)
    server.answer(b"whatever", result)
    assert first.got == second.got == [(result, b"whatever")]


WRITES = [
    (Op.SET, b"set k 0 0 1\r\nx\r\n"),
    (Op.ADD, b"add k 0 0 1\r\nx\r\n"),
    (Op.CAS, b"cas k 0 0 1 5\r\nx\r\n"),
    (Op.DELETE, b"delete k\r\n"),
    (Op.INCR, b"incr k 1\r\n"),
    (Op.TOUCH, b"touch k -1\r\n"),
    (Op.GAT, b"gat -1 k\r\n"),
    (Op.META_GET, b"mg k T-1\r\n"),
    (Op.META_SET, b"ms k 1\r\nx\r\n"),
    (Op.META_DELETE, b"md k I\r\n"),
    (Op.META_ARITHMETIC, b"ma k\r\n"),
]


@pytest.mark.parametrize(("op", "text"), WRITES)
def test_a_get_after_a_write_is_sent_behind_it(flight, server, op, text):
    before = get(flight)
    written = Replies()
    flight.send(Request(op, b"k", text, written))
    after, joined = get(flight), get(flight)
    assert server.texts == [b"get k\r\n", text, b"get k\r\n"]
    server.answer(b"old")
    assert (before.got, after.got) == ([(Result.FOUND, b"old")], [])
    assert get(flight).got == []  # joins the second, whose reply is not there yet
    server.answer(b"STORED", Result.STORED)
    server.answer(b"new")
    assert after.got == joined.got == [(Result.FOUND, b"new")]


def test_a_flush_closes_all_flights(flight, server):
    get(flight, b"a"), get(flight, b"b")
    flight.send(Request(Op.FLUSH_ALL, b"", b"flush_all\r\n", Replies()))
    get(flight, b"a"), get(flight, b"b")
    assert server.texts.count(b"get a\r\n") == server.texts.count(b"get b\r\n") == 2


def test_a_get_of_several_keys_is_no_write_unless_it_touches(flight, server):
    get(flight, b"a")
    flight.send(KeysRequest(b"get ", [b"a", b"b"], [b"a", b"b"], [], Replies()))
    get(flight, b"a")
    assert server.texts == [b"get a\r\n", b"get a b\r\n"]
    flight.send(KeysRequest(b"gat -1 ", [b"a", b"b"], [b"a", b"b"], [], Replies()))
    get(flight, b"a")
    assert server.texts[-1] == b"get a\r\n"


def test_gets_and_other_readings_neither_join_nor_close(flight, server):
    get(flight)
    flight.send(Request(Op.GETS, b"k", b"gets k\r\n", Replies()))
    flight.send(Request(Op.META_DEBUG, b"k", b"me k\r\n", Replies()))
    get(flight)
    assert server.texts == [b"get k\r\n", b"gets k\r\n", b"me k\r\n"]


def test_all_ways_to_one_server_share_its_flights(server):
    flights = {}
    one, two = SingleFlight(server.send, flights), SingleFlight(server.send, flights)
    get(one)
    get(two)
    two.send(Request(Op.DELETE, b"k", b"delete k\r\n", Replies()))
    get(one)
    assert server.texts == [b"get k\r\n", b"delete k\r\n", b"get k\r\n"]


@pytest.mark.parametrize("seed", range(20))
def test_no_get_is_older_than_the_last_write_before_it(seed, server):
    """A register behind a FIFO: every get sees at least what was written before it was asked."""
    draw, flight, register, versions = random.Random(seed), SingleFlight(server.send, {}), {}, {}
    asked = []
    for number in range(400):
        key = draw.choice([b"a", b"b"])
        move = draw.random()
        if move < 0.5:
            asked.append((versions.get(key, 0), get(flight, key)))
        elif move < 0.6:
            versions[key] = number
            flight.send(Request(Op.SET, key, b"set %b %d" % (key, number), Replies()))
        elif server.requests:
            text = server.texts[len(server.texts) - len(server.requests)]
            verb, *words = text.split()
            if verb == b"set":
                register[words[0]] = int(words[1])
                server.answer(b"STORED", Result.STORED)
            else:
                server.answer(b"%d" % register.get(words[0], 0))
    while server.requests:
        text = server.texts[len(server.texts) - len(server.requests)]
        verb, *words = text.split()
        if verb == b"set":
            register[words[0]] = int(words[1])
        server.answer(b"%d" % register.get(words[0], 0))
    assert asked
    assert all(len(replies.got) == 1 and int(replies.got[0][1]) >= least for least, replies in asked)
