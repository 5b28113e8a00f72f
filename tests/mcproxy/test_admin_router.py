import pytest

from mcproxy.admin_router import AdminRouter, admin_block
from mcproxy.multiget import MultiGet
from mcproxy.request import Op
from tests.support.scripted_route import Replies, ScriptedRoute


@pytest.fixture
def route():
    return ScriptedRoute(name="x")


def answer(route, op, start, keys):
    replies = Replies()
    MultiGet(op, start, keys, replies).send(AdminRouter(route, lambda command: command.upper()))
    ((_, raw),) = replies.got
    return raw


def test_admin_keys_are_answered_here_and_the_others_go_their_way(route):
    raw = answer(route, Op.GET, b"get ", [b"a", b"__mcrouter__.hello", b"b"])
    told = b"VALUE __mcrouter__.hello 0 5\r\nHELLO\r\n"
    assert raw == b"VALUE a 0 1\r\nx\r\n" + told + b"VALUE b 0 1\r\nx\r\nEND\r\n"
    assert [key for key, _ in route.seen] == [b"a", b"b"]


def test_a_key_with_the_prefix_inside_is_no_admin_key(route):
    assert b"VALUE a__mcrouter__.x 0 1\r\n" in answer(route, Op.GET, b"get ", [b"a__mcrouter__.x", b"b"])


def test_keys_are_never_put_on_one_line(route):
    router = AdminRouter(route, lambda command: b"")
    assert router.locate([b"a", b"b"]) == ([None, None], [b"a", b"b"])


@pytest.mark.parametrize(("op", "line"), [(Op.GET, b"k 0 1"), (Op.GAT, b"k 0 1"), (Op.GETS, b"k 0 1 0")])
def test_a_cas_unique_where_one_is_asked_for(op, line):
    assert admin_block(b"v", b"k", op) == b"VALUE %b\r\nv\r\n" % line
