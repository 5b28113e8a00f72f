import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.routes.l1l2_cache import ABSENT_FLAG, L1L2CacheRoute
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import make_context

HIT = (Result.FOUND, b"VALUE k 7 1\r\nv\r\nEND\r\n")
MISS = (Result.NOTFOUND, b"END\r\n")


def far_cache():
    cache = CacheRoute()
    cache.put(b"k", b"v", flags=7, exptime=3600)
    return cache


def l1l2(l1, l2, period=0):
    return L1L2CacheRoute(l1, l2, 60, make_context().background, absent_exptime=30, absent_period=period)


@pytest.mark.parametrize("failing", [None, *ERRORS])
def test_a_get_that_l1_has_not_is_l2s_and_copied(failing):
    l1 = CacheRoute(failing=failing)
    assert say(l1l2(l1, far_cache()), LIKE["get"]) == [HIT]
    assert l1.texts == [b"get k\r\n", b"add k 7 60 1\r\nv\r\n"]


def test_a_hit_of_l1s_is_all_there_is():
    l1, l2 = far_cache(), CacheRoute()
    assert say(l1l2(l1, l2), LIKE["get"]) == [HIT]
    assert not l2.texts


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_l2s(error):
    l1 = CacheRoute()
    assert say(l1l2(l1, CacheRoute(failing=error), period=1), LIKE["get"])[0][0] == error
    assert len(l1.texts) == 1


@pytest.mark.parametrize("kind", [kind for kind in LIKE if kind != "get"])
def test_all_else_is_l1s(kind):
    l1, l2 = CacheRoute(failing=Result.NOTFOUND), far_cache()
    assert say(l1l2(l1, l2), LIKE[kind])[0][0] == Result.NOTFOUND
    assert not l2.texts


def test_misses_are_not_remembered_unless_told_so():
    l1 = CacheRoute()
    assert say(l1l2(l1, CacheRoute()), LIKE["get"]) == [MISS]
    assert not l1.entries


def test_a_remembered_miss_is_a_miss_and_every_third_look_asks_l2_again():
    l1, l2 = CacheRoute(), CacheRoute()
    route = l1l2(l1, l2, period=3)
    assert say(route, LIKE["get"]) == [MISS]
    assert (l1.entries[b"k"].flags, l1.entries[b"k"].exptime) == (ABSENT_FLAG, 30)
    for _ in range(2):
        assert say(route, LIKE["get"]) == [MISS]
    assert len(l2.texts) == 1
    l2.put(b"k", b"v", flags=7)
    assert say(route, LIKE["get"]) == [MISS]  # the refresh is in the background
    assert len(l2.texts) == 2
    assert say(route, LIKE["get"]) == [HIT]


@pytest.mark.parametrize("kind", ["gets", "gat"])
def test_other_gets_do_not_see_a_remembered_miss_either(kind):
    l1 = CacheRoute()
    route = l1l2(l1, CacheRoute(), period=1)
    say(route, LIKE["get"])
    assert say(route, LIKE[kind]) == [MISS]
    l1.put(b"k", b"v")
    assert say(route, LIKE[kind])[0][0] == Result.FOUND


def test_the_client_waits_for_no_copy():
    l1 = CacheRoute(later=True)
    heard = say(l1l2(l1, far_cache()), LIKE["get"])
    l1.answer_next()
    assert heard == [HIT] and len(l1.waiting) == 1


def test_from_a_configuration():
    l1, l2 = CacheRoute(), CacheRoute()
    route = build("L1L2CacheRoute", l1=l1, l2=l2, upgradingL1Exptime=9, ncacheExptime=5, ncacheUpdatePeriod=2)
    say(route, LIKE["get"])
    assert l1.entries[b"k"].exptime == 5
    with pytest.raises(ConfigError, match="upgradingL1Exptime is missing"):
        build("L1L2CacheRoute", l1=l1, l2=l2)


def test_a_lease_get_does_not_see_a_remembered_miss_either():
    l1 = CacheRoute()
    route = l1l2(l1, CacheRoute(), period=1)
    say(route, LIKE["get"])
    assert say(route, LIKE["lease-get"]) == [MISS]
    l1.put(b"k", b"v")
    assert say(route, LIKE["lease-get"])[0][0] == Result.FOUND
