import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.background import Background
from mcproxy.routes.null import NullRoute
from mcproxy.routes.root import RootRoute
from tests.support.built_route import build
from tests.support.route_context import make_context
from tests.support.scripted_route import Replies, ScriptedRoute, ask, make_request, results

KINDS = ["AllFastestRoute", "AllMajorityRoute"]


@pytest.mark.parametrize("kind", KINDS)
def test_copies_that_nobody_waits_for_count_as_background(kind):
    context, replies = make_context(), Replies()
    children = [ScriptedRoute(later=True) for _ in range(3)]
    build(kind, context, children=children).route(make_request(replies, Op.SET))
    children[0].answer_next()
    children[1].answer_next()
    assert results(replies.got) == [Result.FOUND]
    assert (context.background.requests, context.background.bytes) == (1, len(b"set k 0 0 1\r\nx\r\n"))
    children[2].answer_next()
    assert (context.background.requests, context.background.bytes) == (0, 0)
    assert len(replies.got) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_without_room_for_them_the_answer_waits(kind):
    context, replies = make_context(), Replies()
    full = Background(context.counters, requests_max=0)
    children = [ScriptedRoute(later=True) for _ in range(3)]
    route = build(kind, context, children=children)
    route._background = full
    route.route(make_request(replies))
    for child in children:
        assert replies.got == []
        child.answer_next()
    assert results(replies.got) == [Result.FOUND]
    assert full.requests == 0


def test_a_child_that_answers_at_once_does_not_change_what_the_others_get():
    late = ScriptedRoute()
    route = build("AllFastestRoute", children=[NullRoute(), late])
    root = RootRoute({b"/a/b/": route}, route, make_context())
    assert ask(root, key=b"/a/b/k")[0] == Result.NOTFOUND
    assert late.seen == [(b"k", b"get k\r\n")]
