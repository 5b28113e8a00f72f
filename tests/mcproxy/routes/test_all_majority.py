import pytest

from mcproxy.outcome import Result
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import HITS, MISSES, ONE_OF_EACH
from tests.support.scripted_route import Replies, ScriptedRoute, make_request, results

F, N, T, B = Result.FOUND, Result.NOTFOUND, Result.TIMEOUT, Result.BUSY


def vote(*answers, op=ONE_OF_EACH[0]):
    """(what the client got, how many replies it took), the children answering in order."""
    children = [ScriptedRoute(result, later=True) for result in answers]
    route, replies = build("AllMajorityRoute", children=children), Replies()
    route.route(make_request(replies, op))
    taken = 0
    for at, child in enumerate(children, 1):
        child.answer_next()
        taken = taken or (at if replies.got else 0)
    assert len(replies.got) == 1
    return results(replies.got)[0], taken


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_as_soon_as_more_than_half_say_so(op):
    hit, miss = HITS[op], MISSES[op]
    assert vote(hit, hit, miss, op=op) == (hit, 2)
    assert vote(hit, miss, miss, op=op) == (miss, 3)
    assert vote(T, T, hit, op=op) == (T, 2)


@pytest.mark.parametrize(
    ("answers", "winner"),
    [
        ((F, F, N, N), (N, 4)),  # a draw: the worse
        ((F, N, T), (T, 3)),
        ((F, F, N, T), (F, 4)),
        ((N, F), (N, 2)),
        ((F, F, F, N, N), (F, 3)),
        ((N, F, N, F, F), (F, 5)),
        ((N, T, B, N, F), (N, 5)),
    ],
)
def test_else_the_most_frequent(answers, winner):
    assert vote(*answers) == winner


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("AllMajorityRoute", children=[child]) is child
    assert isinstance(build("AllMajorityRoute", children=[]), NullRoute)
