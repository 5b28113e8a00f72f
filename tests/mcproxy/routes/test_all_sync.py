import pytest

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import HITS, MISSES, ONE_OF_EACH
from tests.support.scripted_route import Replies, ScriptedRoute, ask, make_request


def all_sync(*results):
    return build("AllSyncRoute", children=[ScriptedRoute(result, name=str(n)) for n, result in enumerate(results)])


@pytest.mark.parametrize("op", ONE_OF_EACH)
@pytest.mark.parametrize("worst", [None, Result.TIMEOUT, Result.REMOTE_ERROR, Result.CLIENT_ERROR])
def test_all_are_asked_and_the_worst_reply_counts(op, worst):
    route = all_sync(HITS[op], worst or MISSES[op], HITS[op])
    if op is not Op.TOUCH:  # see below
        assert ask(route, op)[0] == (worst or MISSES[op])
    else:
        ask(route, op)
    assert [len(child.seen) for child in route.children] == [1, 1, 1]


def test_as_in_mcrouter_touched_is_worse_than_anything():
    for other in (Result.NOTFOUND, Result.TIMEOUT, Result.CLIENT_ERROR):
        assert ask(all_sync(other, Result.TOUCHED), Op.TOUCH)[0] == Result.TOUCHED


def test_of_equally_bad_replies_the_first_to_come():
    children = [ScriptedRoute(result, later=True) for result in (Result.BUSY, Result.TIMEOUT, Result.FOUND)]
    route, replies = build("AllSyncRoute", children=children), Replies()
    request = make_request(replies)
    route.route(request)
    for child in (children[1], children[2], children[0]):
        assert replies.got == []
        child.answer_next()
    assert replies.got == [(Result.TIMEOUT, OUTCOMES[Result.TIMEOUT].line)]


def test_many_that_answer_at_once():
    assert ask(all_sync(*[Result.TKO] * 2000, Result.FOUND))[0] == Result.TKO


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("AllSyncRoute", children=[child]) is child
    assert isinstance(build("AllSyncRoute", children=[]), NullRoute)
