import pytest

from mcproxy.outcome import Result, is_failover_error
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import HITS, MISSES, ONE_OF_EACH
from tests.support.scripted_route import Replies, ScriptedRoute, ask, make_request, results


def answered(op, order, *answers):
    """What the client gets when the children answer in `order`."""
    children = [ScriptedRoute(result, later=True) for result in answers]
    route, replies = build("AllFastestRoute", children=children), Replies()
    route.route(make_request(replies, op))
    for at in order:
        children[at].answer_next()
    assert [len(child.seen) for child in children] == [1] * len(children)
    return results(replies.got)


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_the_first_good_reply(op):
    hit, miss = HITS[op], MISSES[op]
    assert answered(op, [1, 0], hit, miss) == [miss]
    assert answered(op, [0, 1], hit, miss) == [hit]
    assert answered(op, [0], hit, miss) == [hit]
    assert answered(op, [1, 2, 0], hit, Result.TIMEOUT, miss) == [miss]


@pytest.mark.parametrize("result", [result for result in Result if result >= Result.TIMEOUT])
def test_errors(result):
    failed = is_failover_error(result)
    assert answered(ONE_OF_EACH[0], [0, 1], result, Result.FOUND) == [Result.FOUND if failed else result]


def test_of_errors_alone_the_last_to_come():
    assert answered(ONE_OF_EACH[0], [2, 0, 1], Result.TIMEOUT, Result.TKO, Result.BUSY) == [Result.TKO]


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("AllFastestRoute", children=[child]) is child
    assert isinstance(build("AllFastestRoute", children=[]), NullRoute)
    assert ask(build("AllFastestRoute", children=[child, child]))[0] == Result.FOUND
