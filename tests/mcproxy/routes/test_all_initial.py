import pytest

from mcproxy.outcome import Result
from mcproxy.routes.modify_key import ModifyKeyRoute
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import HITS, MISSES, ONE_OF_EACH
from tests.support.route_context import make_context
from tests.support.scripted_route import Replies, ScriptedRoute, ask, make_request, results


@pytest.mark.parametrize("op", ONE_OF_EACH)
@pytest.mark.parametrize("others", [Result.TIMEOUT, Result.NOTFOUND, Result.CLIENT_ERROR])
def test_the_first_child_answers_all_are_asked(op, others):
    for result in (HITS[op], MISSES[op], Result.TKO):
        children = [ScriptedRoute(result), ScriptedRoute(others), ScriptedRoute(others)]
        assert ask(build("AllInitialRoute", children=children), op)[0] == result
        assert [len(child.seen) for child in children] == [1, 1, 1]


def test_nobody_waits_for_the_others():
    children = [ScriptedRoute(later=True), ScriptedRoute(later=True)]
    context, replies = make_context(), Replies()
    build("AllInitialRoute", context, children=children).route(make_request(replies))
    assert context.background.requests == 1
    children[0].answer_next()
    assert results(replies.got) == [Result.FOUND]
    children[1].answer_next()
    assert (len(replies.got), context.background.requests) == (1, 0)


def test_every_child_gets_the_key_that_was_asked_for():
    first, second = ScriptedRoute(), ScriptedRoute()
    ask(build("AllInitialRoute", children=[ModifyKeyRoute(first, b"a:"), second]))
    assert first.seen[0][0] == b"a:k"
    assert second.seen[0][0] == b"k"


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("AllInitialRoute", children=[child]) is child
    assert isinstance(build("AllInitialRoute", children=[]), NullRoute)
