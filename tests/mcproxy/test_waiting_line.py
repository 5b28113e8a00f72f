"""What both limits have in common: a fault of one request is not the others'."""

import pytest

from mcproxy.proxy_limit import ProxyLimit
from mcproxy.request import Op, Request
from mcproxy.routes.outstanding_limit import OutstandingLimitRoute
from tests.support.cache_route import LIKE, CacheRoute, say


class Faulty:
    """Who waits, and cannot take the reply."""

    def on_reply(self, request, result, raw):
        raise RuntimeError("a fault")


def faulty_get():
    return Request(Op.GET, b"k", b"get k\r\n", Faulty())


@pytest.fixture
def cache():
    return CacheRoute(later=True)


@pytest.fixture(params=["of a server", "of the proxy"])
def limited(request, cache):
    """(route, line): one request at a time goes to the cache."""
    if request.param == "of a server":
        route = OutstandingLimitRoute(cache, 1)
        return route, route
    limit = ProxyLimit(1)
    return limit.above(cache), limit


def test_a_fault_of_who_waits_costs_no_place(cache, limited):
    route, line = limited
    route.route(faulty_get())
    heard = say(route, LIKE["get"])
    with pytest.raises(RuntimeError, match="a fault"):
        cache.answer_next()
    cache.answer_next()
    assert heard
    assert (line.under_way, len(line.waiting)) == (0, 0)


def test_nor_when_the_server_answers_at_once(cache, limited):
    route, line = limited
    cache.later = False
    with pytest.raises(RuntimeError, match="a fault"):
        route.route(faulty_get())
    assert say(route, LIKE["get"])
    assert line.under_way == 0


def test_those_behind_it_start_all_the_same(cache, limited):
    route, line = limited
    first = say(route, LIKE["get"])
    route.route(faulty_get())
    behind = [say(route, LIKE["get"]) for _ in range(3)]
    cache.later = False
    with pytest.raises(RuntimeError, match="a fault"):
        cache.answer_next()
    assert first and all(behind)
    assert (line.under_way, len(line.waiting)) == (0, 0)
