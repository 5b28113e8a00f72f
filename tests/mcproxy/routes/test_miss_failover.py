import pytest

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import HITS, ONE_OF_EACH
from tests.support.scripted_route import Replies, ScriptedRoute, ask, make_request, results

F, N, T, R = Result.FOUND, Result.NOTFOUND, Result.TIMEOUT, Result.REMOTE_ERROR


def miss_failover(*answers, **fields):
    children = [ScriptedRoute(result, name=str(n)) for n, result in enumerate(answers)]
    return build("MissFailoverRoute", children=children, **fields)


@pytest.mark.parametrize("op", [Op.GET, Op.GETS, Op.GAT, Op.META_GET, Op.DELETE])
@pytest.mark.parametrize(
    ("answers", "result", "asked"),
    [
        ("hn", "h", 1),
        ("nh", "h", 2),
        ("nnn", "n", 3),
        ("th", "h", 2),  # any non-hit counts
        ("ch", "h", 2),
        ("nt", "t", 2),
        ("tn", "n", 2),
        ("tnr", "r", 3),
    ],
)
def test_gets_and_deletes_look_on(op, answers, result, asked):
    hit = Result.DELETED if op is Op.DELETE else F
    by_letter = {"h": hit, "n": N, "t": T, "r": R, "c": Result.CLIENT_ERROR}
    route = miss_failover(*(by_letter[letter] for letter in answers))
    assert ask(route, op)[0] == by_letter[result]
    assert sum(len(child.seen) for child in route.children) == asked


@pytest.mark.parametrize(
    ("answers", "best"), [([N, T], N), ([T, N], N), ([R, T], T), ([T, R], T), ([N, R, T], N), ([T, F], F)]
)
def test_the_best_reply_seen_where_it_is_asked_for(answers, best):
    route = miss_failover(*answers, return_best_on_error_miss=True)
    assert ask(route)[0] == best


@pytest.mark.parametrize("op", [Op.SET, Op.ADD, Op.CAS, Op.INCR, Op.TOUCH])
@pytest.mark.parametrize("result", [N, T])
def test_others_ask_the_first_child_only(op, result):
    route = miss_failover(result, HITS.get(op, Result.STORED))
    assert ask(route, op) == (result, OUTCOMES[result].line)
    assert [len(child.seen) for child in route.children] == [1, 0]


def test_hits_go_through_unchanged():
    for op in ONE_OF_EACH:
        assert ask(miss_failover(HITS[op], T), op)[0] == HITS[op]


def test_late_replies_and_many_children():
    first, second = ScriptedRoute(N, later=True), ScriptedRoute(F, later=True)
    route, replies = build("MissFailoverRoute", children=[first, second]), Replies()
    route.route(make_request(replies))
    first.answer_next()
    assert replies.got == []
    second.answer_next()
    assert results(replies.got) == [F]
    assert ask(miss_failover(*[Result.TKO] * 3000))[0] == Result.TKO


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("MissFailoverRoute", children=[child]) is child
    assert isinstance(build("MissFailoverRoute", children=[]), NullRoute)
