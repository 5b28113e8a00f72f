import pytest

from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover import FailoverRoute
from tests.support.scripted_route import Leaf, Replies, ScriptedRoute, ask, make_request, results


def route(*answers):
    return FailoverRoute([ScriptedRoute(result, name=str(n)) for n, result in enumerate(answers)])


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
    failover = route(*answers)
    assert ask(failover)[0] == result
    assert sum(len(child.seen) for child in failover.children) == asked


def test_requests_under_way_do_not_disturb_each_other():
    failover = FailoverRoute([ScriptedRoute(Result.TIMEOUT, Result.FOUND, later=True), ScriptedRoute(Result.STORED)])
    replies = Replies()
    failover.route(make_request(replies, key=b"a"))
    failover.route(make_request(replies, key=b"b"))
    failover.children[0].answer_next()
    failover.children[0].answer_next()
    assert results(replies.got) == [Result.STORED, Result.FOUND]


def test_nested():
    outer = FailoverRoute([route(Result.TKO, Result.BUSY), route(Result.TIMEOUT, Result.FOUND)])
    assert ask(outer)[0] == Result.FOUND


def test_many_children_that_are_out():
    assert ask(route(*[Result.TKO] * 100))[0] == Result.TKO


def test_keys_are_not_located_where_replies_must_be_seen():
    route = FailoverRoute([DestinationRoute(Leaf("a")), DestinationRoute(Leaf("b"))])
    assert route.locate([b"k", b"l"]) == ([None, None], [b"k", b"l"])
