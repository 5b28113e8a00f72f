import pytest

from mcproxy.outcome import Result
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import DEFAULT_REPLIES, ONE_OF_EACH
from tests.support.route_context import make_context
from tests.support.scripted_route import Replies, ScriptedRoute, make_request


@pytest.mark.parametrize("op", ONE_OF_EACH)
@pytest.mark.parametrize("count", [1, 3])
def test_the_default_reply_at_once_and_all_are_asked(op, count):
    children = [ScriptedRoute(Result.TIMEOUT, later=True) for _ in range(count)]
    context, replies = make_context(), Replies()
    build("AllAsyncRoute", context, children=children).route(make_request(replies, op))
    assert replies.got == [DEFAULT_REPLIES[op]]
    assert context.background.requests == count
    for child in children:
        child.answer_next()
    assert replies.got == [DEFAULT_REPLIES[op]]
    assert context.background.requests == 0


def test_without_children():
    assert isinstance(build("AllAsyncRoute", children=[]), NullRoute)
