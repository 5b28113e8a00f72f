import itertools

import pytest

from mcproto.errors import ProtocolError
from mcproxy.multiget import FEW_KEYS, LINE_KEYS, MultiGet
from mcproxy.outcome import Result
from mcproxy.request import KeysRequest, Op
from tests.support.line_server import LineServer as Server
from tests.support.scripted_route import Replies

KEYS = [b"k%d" % n for n in range(12)]


class Router:
    """Chooses a server by a key's last digit; keys ending in 9 must be routed. A prefix `/p/p/` is taken off."""

    def __init__(self, servers):
        self.servers = servers
        self.routed = Server()
        self.route = self.routed.send

    def locate(self, keys):
        inner = [key.removeprefix(b"/p/p/") for key in keys]
        servers = [None if key.endswith(b"9") else self.servers[int(key[-1:]) % len(self.servers)] for key in keys]
        return servers, (keys if inner == list(keys) else inner)


@pytest.fixture
def replies():
    return Replies()


def ask(router, replies, keys, op=Op.GET, start=b"get "):
    together = MultiGet(op, start, keys, replies)
    together.send(router)
    return together


def joined(server, keys):
    return b"".join(server.block(key) for key in keys) + b"END\r\n"


def test_each_server_gets_one_line_and_the_rest_is_routed(replies):
    servers = [Server(), Server()]
    router = Router(servers)
    ask(router, replies, KEYS)
    assert servers[0].lines == [b"get k0 k2 k4 k6 k8 k10\r\n"]
    assert servers[1].lines == [b"get k1 k3 k5 k7 k11\r\n"]
    assert router.routed.lines == [b"get k9\r\n"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_values_come_in_the_clients_order_whoever_answers_first(replies, order):
    servers = [Server(), Server()]
    router = Router(servers)
    all_of_them = [*servers, router.routed]
    for server in all_of_them:
        server.values = {key: key * 3 for key in KEYS if key not in (b"k3", b"k4")}
    together = ask(router, replies, KEYS)
    for number in order:
        assert together.reply is None
        all_of_them[number].answer_next()
    expected = joined(servers[0], [key for key in KEYS if key not in (b"k3", b"k4")])
    assert together.reply == expected
    assert replies.got == [(Result.FOUND, expected)]


@pytest.mark.parametrize("value", [b"", b"END\r\n", b"VALUE k2 0 1\r\nx\r\nEND\r\n", b"\r\n", b"SERVER_ERROR x\r\n"])
def test_values_are_stepped_over_by_length(replies, value):
    server = Server()
    server.values = dict.fromkeys(KEYS[::2], value)
    together = ask(Router([server]), replies, KEYS[:9])
    server.answer_next()
    assert together.reply == joined(server, KEYS[:9:2])


def test_a_key_asked_for_twice_is_asked_for_once_and_answered_twice(replies):
    server = Server()
    server.values = {b"k1": b"one", b"k2": b"two"}
    together = ask(Router([server]), replies, [b"k2", b"k1", b"k2", *KEYS[3:9], b"k1"])
    assert server.lines == [b"get k2 k1 k3 k4 k5 k6 k7 k8\r\n"]
    server.answer_next()
    assert together.reply == joined(server, [b"k2", b"k1", b"k2", b"k1"])


def test_gets_with_cas_and_gat(replies):
    server = Server()
    together = ask(Router([server]), replies, KEYS[:8], Op.GATS, b"gats 60 ")
    (request,) = server.sent
    assert request.text == b"gats 60 k0 k1 k2 k3 k4 k5 k6 k7\r\n"
    raw = b"VALUE k1 7 2 18446744073709551615\r\nhi\r\nVALUE k6 0 0 2\r\n\r\nEND\r\n"
    server.reply(request, raw)
    assert together.reply == raw


@pytest.mark.parametrize("order", [1, -1])
def test_prefixes_are_put_back(replies, order):
    server = Server()
    server.values = {b"k1": b"one", b"k2": b"two"}
    keys = [b"/p/p/k1", b"k1", b"/p/p/k2", b"/p/p/k3", *KEYS[4:8]][::order]
    together = ask(Router([server]), replies, keys)
    assert server.lines == [b"get " + b" ".join(key.removeprefix(b"/p/p/") for key in keys) + b"\r\n"]
    server.answer_next()
    blocks = {
        b"/p/p/k1": b"VALUE /p/p/k1 0 3\r\none\r\n",
        b"k1": b"VALUE k1 0 3\r\none\r\n",
        b"/p/p/k2": b"VALUE /p/p/k2 0 3\r\ntwo\r\n",
    }
    assert together.reply == b"".join(blocks.get(key, b"") for key in keys) + b"END\r\n"


def test_few_keys_and_lonely_ones_are_requests_of_their_own(replies):
    servers = [Server(), Server()]
    router = Router(servers)
    few = KEYS[: FEW_KEYS - 1]
    ask(router, replies, few)
    assert router.routed.lines == [b"get %b\r\n" % key for key in few]
    ask(router, replies, [b"k1", *KEYS[0:9:2], *(b"x%d" % n for n in range(0, 9, 2))])
    assert servers[1].lines == [b"get k1\r\n"]
    assert not isinstance(servers[1].sent[0], KeysRequest)


def test_a_key_that_a_server_would_take_for_the_lines_end_keeps_all_of_them_apart(replies):
    router = Router([Server()])
    ask(router, replies, [b"a\x001", *KEYS])
    assert len(router.routed.lines) == 13


@pytest.mark.parametrize(("length", "most"), [(3, LINE_KEYS), (28, LINE_KEYS), (100, 20), (249, 8)])
def test_long_gets_are_cut_into_lines(replies, length, most):
    server = Server()
    keys = [b"%0*d0" % (length, number) for number in range(1000)]
    server.values = {key: key for key in keys}
    together = ask(Router([server]), replies, keys)
    assert b" ".join(line[4:-2] for line in server.lines) == b" ".join(keys)
    for line in server.lines:
        assert len(line) <= 2050
        assert most // 2 - 1 <= line.count(b" ") <= most
    while server.sent:
        server.answer_next()
    assert together.reply == joined(server, keys)


def test_all_missing_is_one_end(replies):
    server = Server()
    together = ask(Router([server]), replies, KEYS[:9])
    server.answer_next()
    assert together.reply == b"END\r\n"
    assert replies.got == [(Result.FOUND, b"END\r\n")]


def test_one_error_is_the_whole_reply_and_the_first_counts(replies):
    servers = [Server(), Server(), Server()]
    servers[1].values = dict.fromkeys(KEYS, b"x")
    together = ask(Router(servers), replies, [key for key in KEYS if key != b"k9"])
    servers[2].fail_next(b"SERVER_ERROR two\r\n")
    servers[1].answer_next()
    assert together.reply is None
    servers[0].fail_next(b"SERVER_ERROR zero\r\n")
    assert replies.got == [(Result.TIMEOUT, b"SERVER_ERROR two\r\n")]
    assert together.reply == b"SERVER_ERROR two\r\n"


def test_a_server_that_answers_at_once(replies):
    """As one that is taken out does: the reply is there before the last part is sent."""
    servers = [Server(), Server()]
    for server in servers:
        server.send = lambda request: request.answer(Result.TKO, b"SERVER_ERROR out\r\n")
    together = ask(Router(servers), replies, KEYS[:9])
    assert together.reply == b"SERVER_ERROR out\r\n"
    assert len(replies.got) == 1


def test_servers_count_keys(replies):
    server = Server()
    server.values = {b"k1": b"", b"k3": b"", b"k5": b""}
    for _ in range(2):
        ask(Router([server]), replies, KEYS[:9])
    server.answer_next()
    server.fail_next(b"SERVER_ERROR\r\n")
    server.values = {b"k1": b""}
    ask(Router([server]), replies, KEYS[:9])
    server.answer_next()
    server.values = {}
    ask(Router([server]), replies, KEYS[:9])
    server.answer_next()
    counted = {result: server.results[result] for result in Result if server.results[result]}
    assert counted == {Result.FOUND: 4, Result.NOTFOUND: 6 + 8 + 9, Result.TIMEOUT: 9}


@pytest.mark.parametrize("keys", [KEYS[:9], [b"/p/p/" + key for key in KEYS[:9]]])
@pytest.mark.parametrize(
    "raw",
    [
        b"VALUE other 0 1\r\nx\r\nEND\r\n",
        b"VALUE k1 0 1\r\nx\r\nVALUE other 0 1\r\nx\r\nEND\r\n",
        b"VALUE k1 0 1\r\nx\r\n" * 10 + b"END\r\n",
    ],
)
def test_a_value_that_was_not_asked_for_does_not_fit(replies, keys, raw):
    server = Server()
    together = ask(Router([server]), replies, keys)
    (request,) = server.sent
    with pytest.raises(ProtocolError):
        server.reply(request, raw)
    assert together.reply is None
    request.answer(Result.REMOTE_ERROR, b"SERVER_ERROR closed\r\n")  # what its connection does then
    assert together.reply == b"SERVER_ERROR closed\r\n"


@pytest.mark.parametrize("keys", [KEYS[:9], [b"/p/p/" + key for key in KEYS[:9]]])
def test_a_line_that_does_not_fit_spoils_no_other_and_nothing_of_it_is_told(replies, keys):
    wrong, right = servers = [Server(), Server()]
    right.values = dict.fromkeys(KEYS, b"v")
    together = ask(Router(servers), replies, keys)
    (request,) = wrong.sent
    with pytest.raises(ProtocolError):
        wrong.reply(request, b"VALUE k0 0 1\r\nx\r\nVALUE other 0 1\r\nx\r\nEND\r\n")
    right.answer_next()
    request.answer(Result.NOTFOUND, b"END\r\n")  # as where an error is a miss
    assert together.reply == b"".join(b"VALUE %b 0 1\r\nv\r\n" % key for key in keys[1::2]) + b"END\r\n"
