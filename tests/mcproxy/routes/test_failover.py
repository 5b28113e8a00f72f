import pytest

from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.failover_policies import FailoverPolicy
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf, Replies, ScriptedRoute, ask, make_request, results


def failover(children):
    return FailoverRoute(FailoverPolicy(children), make_context().counters)


def route(*answers):
    return failover([ScriptedRoute(result, name=str(n)) for n, result in enumerate(answers)])


@pytest.mark.parametrize(
    ("answers", "result", "asked"),
    [
        ([Result.FOUND, Result.FOUND], Result.FOUND, 1),
        ([Result.NOTFOUND, Result.FOUND], Result.NOTFOUND, 1),  # a miss is no error
        ([Result.TKO, Result.FOUND], Result.FOUND, 2),
        ([Result.TIMEOUT, Result.CONNECT_ERROR, Result.FOUND], Result.FOUND, 3),
        ([Result.TIMEOUT, Result.CLIENT_ERROR, Result.FOUND], Result.CLIENT_ERROR, 2),
        ([Result.TIMEOUT, Result.TKO], Result.TKO, 2),  # the last one's
        ([Result.BAD_KEY, Result.FOUND], Result.BAD_KEY, 1),
    ],
)
def test_the_next_child_when_one_fails(answers, result, asked):
    failing = route(*answers)
    assert ask(failing)[0] == result
    assert sum(len(child.seen) for child in failing.children) == asked


def test_requests_under_way_do_not_disturb_each_other():
    failing = failover([ScriptedRoute(Result.TIMEOUT, Result.FOUND, later=True), ScriptedRoute(Result.STORED)])
    replies = Replies()
    failing.route(make_request(replies, key=b"a"))
    failing.route(make_request(replies, key=b"b"))
    failing.children[0].answer_next()
    failing.children[0].answer_next()
    assert results(replies.got) == [Result.STORED, Result.FOUND]


def test_nested():
    outer = failover([route(Result.TKO, Result.BUSY), route(Result.TIMEOUT, Result.FOUND)])
    assert ask(outer)[0] == Result.FOUND


def test_many_children_that_are_out():
    assert ask(route(*[Result.TKO] * 3000))[0] == Result.TKO


def test_keys_are_not_located_where_replies_must_be_seen():
    route = failover([DestinationRoute(Leaf("a")), DestinationRoute(Leaf("b"))])
    assert route.locate([b"k", b"l"]) == ([None, None], [b"k", b"l"])
