import pytest

from mcproxy.outcome import Result
from mcproxy.routes import outstanding_limit
from mcproxy.routes.outstanding_limit import OutstandingLimitRoute
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say


@pytest.fixture
def cache():
    return CacheRoute(later=True)


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_only_so_many_at_once_and_the_others_in_their_order(cache, kind, result):
    cache.failing = result
    route = OutstandingLimitRoute(cache, 2)
    heard = [say(route, LIKE[kind].replace(b"k", b"k%d" % n, 1)) for n in range(5)]
    assert (len(cache.texts), len(route.waiting)) == (2, 3)
    for answered in range(1, 6):
        cache.answer_next()
        assert [len(got) for got in heard] == [1] * answered + [0] * (5 - answered)
        assert len(cache.texts) == min(5, 2 + answered)
    assert [got[0][0] for got in heard] == [result] * 5
    assert cache.texts == [LIKE[kind].replace(b"k", b"k%d" % n, 1) for n in range(5)]
    assert (route.under_way, len(route.waiting)) == (0, 0)


def test_a_long_line_before_a_server_that_is_out(cache):
    route = OutstandingLimitRoute(cache, 1)
    heard = [say(route, LIKE["get"]) for _ in range(20_000)]
    cache.later, cache.failing = False, Result.TKO
    cache.answer_next()
    assert {got[0][0] for got in heard} == {Result.TKO}


def test_the_line_is_bounded(cache, monkeypatch):
    monkeypatch.setattr(outstanding_limit, "WAITING_MAX", 3)
    route = OutstandingLimitRoute(cache, 1)
    heard = [say(route, LIKE["get"]) for _ in range(5)]
    assert heard[4] == [(Result.BUSY, b"SERVER_ERROR 307 busy\r\n")]
    assert not any(heard[:4])
