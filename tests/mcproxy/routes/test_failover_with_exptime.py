import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op, Request
from tests.support.built_route import build
from tests.support.scripted_route import Replies, ScriptedRoute, ask, results

T = Result.TIMEOUT


def texts(op, text, **fields):
    """What a failing normal child and the two of the failover were sent."""
    children = [ScriptedRoute(T), ScriptedRoute(T), ScriptedRoute(Result.OK)]
    route = build("FailoverWithExptimeRoute", normal=children[0], failover=children[1:], **fields)
    replies = Replies()
    route.route(Request(op, b"k", text, replies))
    assert results(replies.got) == [Result.OK]
    return [child.seen[0][1] for child in children]


@pytest.mark.parametrize(
    ("op", "text", "limited"),
    [
        (Op.SET, b"set k 0 0 1\r\nx\r\n", b"set k 0 60 1\r\nx\r\n"),
        (Op.SET, b"set k 0 600 1\r\nx\r\n", b"set k 0 60 1\r\nx\r\n"),
        (Op.SET, b"set k 0 7 1\r\nx\r\n", b"set k 0 7 1\r\nx\r\n"),
        (Op.SET, b"set k 0 -1 1\r\nx\r\n", b"set k 0 -1 1\r\nx\r\n"),
        (Op.ADD, b"add k 0 0 1\r\nx\r\n", b"add k 0 60 1\r\nx\r\n"),
        (Op.TOUCH, b"touch k 0\r\n", b"touch k 60\r\n"),
        (Op.GAT, b"gat 0 k\r\n", b"gat 60 k\r\n"),
        (Op.GET, b"get k\r\n", b"get k\r\n"),
        (Op.DELETE, b"delete k\r\n", b"delete k\r\n"),
        (Op.INCR, b"incr k 1\r\n", b"incr k 1\r\n"),
    ],
)
def test_what_a_failover_stores_does_not_live_long(op, text, limited):
    assert texts(op, text) == [text, limited, limited]


def test_the_limit_and_none():
    assert texts(Op.SET, b"set k 0 0 1\r\nx\r\n", failover_exptime=7)[1] == b"set k 0 7 1\r\nx\r\n"
    assert texts(Op.SET, b"set k 0 0 1\r\nx\r\n", failover_exptime=0)[1] == b"set k 0 0 1\r\nx\r\n"


def test_it_takes_what_a_failover_takes():
    children = [ScriptedRoute(T), ScriptedRoute()]
    route = build("FailoverWithExptimeRoute", normal=children[0], failover=children[1:], failover_errors=["tko"])
    assert ask(route)[0] == T


def test_without_a_failover_it_is_the_normal_child():
    child = ScriptedRoute()
    assert build("FailoverWithExptimeRoute", normal=child, failover=[]) is child
