"""Identical gets are sent once, and never answered with what a write of this process has replaced."""

import random

import pytest

from mcproto.errors import ProtocolError
from mcproto.reply_parser import ReplyParser
from mcproxy.multiget import MultiGet
from mcproxy.outcome import Result
from mcproxy.request import FITTING_REPLIES, KeysRequest, Op, OpClass, Request
from mcproxy.upstream import single_flight
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
    (Op.LEASE_GET, b"mg k v f c N10\r\n"),
    (Op.LEASE_SET, b"ms k 1 C1 F0 T0\r\nx\r\n"),
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
    flight.send(KeysRequest(b"gets ", [b"a", b"b"], [b"a", b"b"], [], Replies()))
    get(flight, b"a")
    assert server.texts == [b"get a\r\n", b"gets a b\r\n"]
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


KEYS = [b"k%d" % number for number in range(10)]


class ManyServers:
    """A server behind a SingleFlight that gets of many keys are sent to; its items are what it answers with."""

    def __init__(self, items, prefix=b""):
        self.results = [0] * len(Result)
        self.items = items
        self.requests = []
        self.flight = SingleFlight(self.requests.append, {})
        self.send = self.route = self.flight.send
        self.prefix = prefix

    def locate(self, keys):
        inner = [key.removeprefix(self.prefix) for key in keys]
        return [self] * len(keys), keys if inner == list(keys) else inner

    def ask(self, keys):
        replies = Replies()
        MultiGet(Op.GET, b"get ", keys, replies).send(self)
        return replies

    def one(self, key):
        return get(self.flight, key)

    def texts(self):
        return [request.text for request in self.requests]

    def answer_next(self, raw=None):
        request = self.requests.pop(0)

        def on_reply(kind, raw):
            if isinstance(request, KeysRequest):
                request.found = parser
            result = FITTING_REPLIES[OpClass.GET][kind]
            self.results[result] += 1
            request.answer(result, raw)

        parser = ReplyParser(on_reply)
        keys = request.text.split()[1:]
        parser.feed(raw or b"".join(self.block(key) for key in keys if key in self.items) + b"END\r\n")

    def fail_next(self):
        self.requests.pop(0).answer(Result.TIMEOUT, b"SERVER_ERROR late\r\n")

    def block(self, key, name=None):
        return b"VALUE %b 0 %d\r\n%b\r\n" % (name or key, len(self.items[key]), self.items[key])

    def reply(self, *keys):
        return b"".join(map(self.block, keys)) + b"END\r\n"


@pytest.fixture
def many():
    return ManyServers({key: key * 3 for key in KEYS if key != b"k3"})


def test_of_a_get_of_many_keys_those_join_that_can_and_the_rest_is_sent(many):
    single, first, second = many.one(b"k1"), many.ask(KEYS[:9]), many.ask(KEYS)
    assert many.texts() == [b"get k1\r\n", b"get k0 k2 k3 k4 k5 k6 k7 k8\r\n", b"get k9\r\n"]
    assert many.flight.joined == 1 + 9
    for _ in range(3):
        many.answer_next()
    assert single.got == [(Result.FOUND, many.reply(b"k1"))]
    assert first.got == [(Result.FOUND, many.reply(*(key for key in KEYS[:9] if key != b"k3")))]
    assert second.got == [(Result.FOUND, many.reply(*(key for key in KEYS if key != b"k3")))]
    assert (many.results[Result.FOUND], many.results[Result.NOTFOUND]) == (9, 1)  # what was sent


def test_all_keys_of_a_get_may_join(many):
    first, second, single, missed = many.ask(KEYS), many.ask(KEYS[::-1]), many.one(b"k5"), many.one(b"k3")
    assert len(many.requests) == 1
    many.answer_next()
    assert first.got == [(Result.FOUND, many.reply(*(key for key in KEYS if key != b"k3")))]
    assert second.got == [(Result.FOUND, many.reply(*(key for key in KEYS[::-1] if key != b"k3")))]
    assert (single.got, missed.got) == ([(Result.FOUND, many.reply(b"k5"))], [(Result.NOTFOUND, b"END\r\n")])
    many.ask(KEYS)
    assert len(many.requests) == 1


def test_one_value_alone_and_none_at_all(many):
    many.items = {b"k2": b"x"}
    many.ask(KEYS)
    second, single, missed = many.ask(KEYS), many.one(b"k2"), many.one(b"k4")
    many.answer_next()
    assert second.got == single.got == [(Result.FOUND, many.reply(b"k2"))]
    assert missed.got == [(Result.NOTFOUND, b"END\r\n")]
    many.items = {}
    first, second = many.ask(KEYS), many.ask(KEYS)
    many.answer_next()
    assert [result for result, _ in first.got] == [result for result, _ in second.got]
    assert first.got[0][1] == second.got[0][1] == b"END\r\n"


def test_a_line_that_fails_fails_for_all_of_its_keys(many):
    first, second, single = many.ask(KEYS), many.ask(KEYS), many.one(b"k1")
    many.fail_next()
    assert first.got == second.got == single.got == [(Result.TIMEOUT, b"SERVER_ERROR late\r\n")]


def test_values_that_were_not_asked_for_are_an_error_for_all(many):
    first, second = many.ask(KEYS), many.ask(KEYS)
    request = many.requests[0]
    with pytest.raises(ProtocolError):
        many.answer_next(b"VALUE odd 0 1\r\nx\r\nEND\r\n")
    assert (first.got, second.got) == ([], [])
    request.answer(Result.REMOTE_ERROR, b"SERVER_ERROR odd\r\n")  # as a connection does
    assert first.got == second.got == [(Result.REMOTE_ERROR, b"SERVER_ERROR odd\r\n")]


def test_only_the_written_key_of_a_line_is_sent_anew(many):
    many.ask(KEYS)
    many.flight.send(Request(Op.DELETE, b"k4", b"delete k4\r\n", Replies()))
    after = many.ask(KEYS)
    assert many.texts()[1:] == [b"delete k4\r\n", b"get k4\r\n"]
    many.answer_next()
    del many.items[b"k4"]
    many.requests.pop(0)
    assert after.got == []
    many.answer_next()
    assert after.got == [(Result.FOUND, many.reply(*(key for key in KEYS if key not in (b"k3", b"k4"))))]


def test_keys_join_by_the_servers_names_and_are_answered_by_the_clients(many):
    single = many.one(b"k1")
    many.prefix = b"/a/b/"
    asked = [b"/a/b/" + key for key in KEYS]
    first, second = many.ask(asked), many.ask(asked)
    assert many.texts() == [b"get k1\r\n", b"get k0 k2 k3 k4 k5 k6 k7 k8 k9\r\n"]
    many.answer_next()
    many.answer_next()
    expected = b"".join(many.block(key, b"/a/b/" + key) for key in KEYS if key != b"k3") + b"END\r\n"
    assert first.got == second.got == [(Result.FOUND, expected)]
    assert single.got == [(Result.FOUND, many.reply(b"k1"))]


def test_flights_and_those_that_wait_for_one_are_bounded(monkeypatch, many):
    monkeypatch.setattr(single_flight, "FLIGHTS_MAX", 3)
    monkeypatch.setattr(single_flight, "FOLLOWERS_MAX", 2)
    gets = [many.one(b"k1") for _ in range(5)]
    assert many.texts() == [b"get k1\r\n"] * 2
    many.ask(KEYS), many.ask(KEYS)  # too many to be joined by others
    assert many.texts()[2:] == [b"get %b\r\n" % b" ".join(key for key in KEYS if key != b"k1")] + [
        b"get %b\r\n" % b" ".join(KEYS)
    ]
    for _ in range(4):
        many.answer_next()
    assert all(replies.got == [(Result.FOUND, many.reply(b"k1"))] for replies in gets)


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


@pytest.mark.parametrize("seed", range(10))
def test_no_key_of_a_get_of_many_is_older_than_the_last_write_before_it(seed):
    """The same over gets of many keys: the server works its line off in order, whatever joins."""
    draw, many = random.Random(seed), ManyServers(dict.fromkeys(KEYS, b"0"))
    versions, asked = dict.fromkeys(KEYS, 0), []

    def work_one_off():
        if many.requests[0].op == Op.SET:
            request = many.requests.pop(0)
            many.items[request.key] = request.text.split()[-1]
            request.answer(Result.STORED, b"STORED\r\n")
        else:
            many.answer_next()

    for number in range(1, 600):
        move = draw.random()
        if move < 0.4:
            keys = draw.sample(KEYS, draw.randrange(1, len(KEYS) + 1))
            asked.append(({key: versions[key] for key in keys}, many.ask(keys)))
        elif move < 0.55:
            key = draw.choice(KEYS)
            versions[key] = number
            many.flight.send(Request(Op.SET, key, b"set %b %d" % (key, number), Replies()))
        elif many.requests:
            work_one_off()
    while many.requests:
        work_one_off()
    assert many.flight.joined
    for least, replies in asked:
        ((result, raw),) = replies.got
        lines = raw.split(b"\r\n")
        seen = {line.split()[1]: int(value) for line, value in zip(lines[:-2:2], lines[1::2], strict=False)}
        assert result == Result.FOUND
        assert seen.keys() == least.keys()
        assert all(seen[key] >= version for key, version in least.items())
