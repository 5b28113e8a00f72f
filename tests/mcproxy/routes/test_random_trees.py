"""Random route trees: every request gets exactly one reply, in order, whatever the servers do."""

import json
import random
import re

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcproto.errors import ProtocolError
from mcproto.reply_parser import Kind, ReplyParser
from mcproxy.config.tree import TreeBuilder
from mcproxy.hashing import Node
from mcproxy.meta_reply import WORDS
from mcproxy.outcome import OUTCOMES, UNFIT, Result, answer_table
from mcproxy.request import FITTING_REPLIES, META_OPS, OP_CLASSES, RESULTS, Op, Request
from mcproxy.routes import ROUTE_HANDLES
from mcproxy.routes.base import Pool
from tests.support.cache_route import CacheRoute, say
from tests.support.mock_upstream import CLOSE, SILENCE, MockUpstream
from tests.support.route_context import Clock, make_context
from tests.support.route_trees import HANDLES, POOLS, TREES
from tests.support.running_proxy import running_proxy

KEYS = [b"k1", b"k2", b"k1:a", b"k|#|1", b"k1|#|2"]

TEXTS = {
    Op.GET: b"get %b\r\n",
    Op.GETS: b"gets %b\r\n",
    Op.GAT: b"gat 60 %b\r\n",
    Op.SET: b"set %b 1 0 5\r\n12345\r\n",
    Op.ADD: b"add %b 1 60 1\r\n1\r\n",
    Op.APPEND: b"append %b 1 0 2\r\n12\r\n",
    Op.CAS: b"cas %b 1 0 2 1\r\n12\r\n",
    Op.DELETE: b"delete %b\r\n",
    Op.INCR: b"incr %b 1\r\n",
    Op.TOUCH: b"touch %b 60\r\n",
    Op.META_GET: b"mg %b k f v\r\n",
    Op.META_SET: b"ms %b 6 T60\r\n123456\r\n",
    Op.META_DELETE: b"md %b\r\n",
    Op.META_ARITHMETIC: b"ma %b\r\n",
    Op.LEASE_GET: b"mg %b v f c N10\r\n",
    Op.LEASE_SET: b"ms %b 5 C1 F1 T60\r\n12345\r\n",
}
REQUESTS = st.lists(st.tuples(st.sampled_from(list(TEXTS)), st.sampled_from(KEYS)), min_size=1, max_size=8)

OK = "ok"
FATES = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([OK, OK, OK, Result.TKO, Result.TIMEOUT, Result.REMOTE_ERROR, Result.CLIENT_ERROR]),
    ),
    min_size=1,
    max_size=6,
)


class Server(CacheRoute):
    """Answers now or later, well or with an error, as its fates say in turn."""

    def __init__(self, fates):
        super().__init__(later=True)
        self.fates = fates
        self.turn = 0

    def route(self, request):
        is_late, self.fate = self.fates[self.turn % len(self.fates)]
        self.turn += 1
        self.texts.append(request.text)
        self.waiting.append((request, self.fate))
        if not is_late:
            self.answer_last()

    def answer_last(self):
        self.answer(*self.waiting.pop())

    def answer_first(self):
        self.answer(*self.waiting.pop(0))

    def answer(self, request, fate):
        if fate is not OK:
            request.answer(fate, OUTCOMES[fate].line)
            return
        result, raw = self._answer(request)
        request.answer(result, raw or OUTCOMES[result].line)


class ScriptedPools:
    """The pools of a config, of scripted servers."""

    def __init__(self, fates):
        self.pools = {}
        for name, count in POOLS.items():
            nodes = tuple(Node(f"{name}{n}") for n in range(count))
            self.pools[name] = Pool(name, nodes, tuple(Server(fates) for _ in range(count)))
        self.servers = [server for pool in self.pools.values() for server in pool.members]

    def get(self, name, path=""):
        return self.pools[name]


class Asked:
    """A request's waiter at the top: one reply, and the request as it was asked."""

    def __init__(self, op, key):
        self.request = Request(op, key, TEXTS[op] % key, self)
        self.asked = key, self.request.text
        self.replies = []

    def on_reply(self, request, result, raw):
        assert request is self.request
        assert request.waiter is self, "a continuation has not left"
        assert (request.key, request.text) == self.asked
        self.replies.append((Result(result), raw))


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tree=TREES, fates=FATES, requests=REQUESTS, order=st.randoms(use_true_random=False))
def test_one_reply_to_each_request(tree, fates, requests, order):
    clock = Clock()
    context, pools = make_context(clock, draws=[0.0, 0.6, 0.3]), ScriptedPools(fates)
    root = TreeBuilder(pools, {}, context).route(tree, "route")
    asked = [Asked(op, key) for op, key in requests]
    for each in asked:
        root.route(each.request)
        if order.random() < 0.3:
            clock.advance(0.003)
    while True:
        late = [server for server in pools.servers if server.waiting]
        if late:
            order.choice(late).answer_first()
        elif clock.timers:
            clock.advance(0.002)
        else:
            break
    for each in asked:
        assert len(each.replies) == 1
        check_fit(each.request.op, each.request.key, each.replies[0][1])
    assert (context.background.requests, context.background.bytes) == (0, 0)


def parsed(data):
    """(kind, reply) pairs of whole replies."""
    replies = []
    ReplyParser(lambda kind, raw: replies.append((kind, raw))).feed(data)
    return replies


def check_fit(op, key, raw):
    """The reply is one to such a request, and a hit is of its key."""
    [(kind, whole)] = parsed(raw)
    assert whole == raw
    by_routes = answer_table(FITTING_REPLIES[OP_CLASSES[op]]) if op in META_OPS else RESULTS[op]
    assert RESULTS[op][kind] != UNFIT or by_routes[kind] != UNFIT, (op, raw)
    if kind == Kind.VALUES:
        assert raw.split(b" ")[1] == key
    if op is Op.META_GET and kind == Kind.META_VALUE:  # routes may have changed the key: meta_reply.py puts it back
        assert b" k" in raw


def test_every_route_handle_takes_part():
    assert set(ROUTE_HANDLES) == HANDLES


# Through the whole proxy, with real connections


class UnsteadyServer:
    """A small cache behind a socket: answers well, late, with an error, not at all, or cuts the connection."""

    def __init__(self, seed):
        self.cache = CacheRoute()
        self.random = random.Random(seed)

    def __call__(self, line, value):
        fate = self.random.random()
        if fate < 0.55:
            return self.reply(line, value)
        if fate < 0.7:
            return b"SERVER_ERROR out of memory\r\n"
        if fate < 0.8:
            return SILENCE
        if fate < 0.9:
            return self.reply(line, value)[:4] + CLOSE
        return b"CLIENT_ERROR no\r\n"

    def reply(self, line, value):
        verb = line.split(b" ")[0]
        text = line + b"\r\n" + (value + b"\r\n" if verb in (b"set", b"add", b"append", b"cas", b"ms") else b"")
        [(result, raw)] = say(self.cache, text)
        return WORDS[result] + b"\r\n" if verb in (b"ms", b"md", b"ma") and result < Result.TIMEOUT else raw


async def replies_of_a_proxy(tree, requests, seed):
    """All that a client gets for its pipelined requests, and the last one's reply."""
    servers = [MockUpstream(UnsteadyServer(seed + number)) for number in range(3)]
    for server in servers:
        await server.start()
    pools = {
        "A": {"servers": [server.address for server in servers[:2]]},
        "B": {"servers": [servers[2].address]},
        "C": {"servers": []},
    }
    config = json.dumps({"pools": pools, "routes": {"/././": tree, "/a/b/": tree}})
    words = ("--config", config, "--server-timeout", "30", "--probe-timeout-initial", "10")
    try:
        async with running_proxy(*words) as proxy:
            client = await proxy.connect()
            client.send(b"".join(WIRE_TEXTS[op] % key for op, key in requests) + b"version\r\n")
            data = b""
            while not data.endswith(b"VERSION mcrouter\r\n"):
                line = await client.line()
                assert line, f"closed after {data!r}"
                data += line
            return data
    finally:
        for server in servers:
            await server.stop()


WIRE_KEYS = st.sampled_from([b"k1", b"k2", b"k1:a", b"k|#|1", b"/a/b/k3", b"/*/*/k4", b"/no/where/k5"])
WIRE_TEXTS = {
    **{op.name: text for op, text in TEXTS.items() if not op.name.startswith("LEASE")},
    "LEASE_GET": b"lease-get %b\r\n",
    "LEASE_SET": b"lease-set %b 3 1 60 5\r\n12345\r\n",
    "METAGET": b"metaget %b\r\n",
}
WIRE_REQUESTS = st.lists(st.tuples(st.sampled_from(list(WIRE_TEXTS)), WIRE_KEYS), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(tree=TREES, requests=WIRE_REQUESTS, seed=st.integers(0, 1 << 16))
def test_clients_get_their_replies_in_order(tree, requests, seed):
    data = uvloop.run(replies_of_a_proxy(tree, requests, seed))
    for name, key in requests:
        if name in MCROUTERS:
            found = MCROUTERS[name](key).match(data)
            assert found, (name, data)
            raw = found[0]
        else:
            raw = first_reply(data)
            check_fit(Op[name], key, raw)
        data = data[len(raw) :]
    assert data == b"VERSION mcrouter\r\n"


def first_reply(data):
    replies = []

    def on_reply(kind, raw):
        replies.append(raw)
        raise ProtocolError("enough")  # mcrouter's own may follow, which no server sends

    with pytest.raises(ProtocolError, match="enough"):
        ReplyParser(on_reply).feed(data)
    return replies[0]


def of_key(pattern):
    error = rb"(?:SERVER|CLIENT)_ERROR [^\r\n]*\r\n"
    return lambda key: re.compile(b"(?:%b|%b)" % (pattern.replace(b"KEY", re.escape(key)), error), re.DOTALL)


MCROUTERS = {
    "LEASE_GET": of_key(rb"(?:VALUE KEY \d+ |LVALUE KEY \d+ \d+ )\d+\r\n[-\w]*\r\nEND\r\n"),
    "LEASE_SET": of_key(rb"(?:NOT_)?STORED\r\n"),
    "METAGET": of_key(rb"(?:META KEY age: unknown; exptime: \d+; from: unknown\r\n)?END\r\n"),
}
