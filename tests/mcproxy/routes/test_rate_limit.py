from dataclasses import replace

import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.request import OpClass
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.rate_limit import RateLimitRoute
from tests.support.built_route import build
from tests.support.cache_route import LIKE, CacheRoute, say
from tests.support.route_context import Clock, make_context
from tests.support.scripted_route import Leaf

KINDS = {
    OpClass.GET: ("get", "gets", "gat", "mg", "lease-get"),
    OpClass.UPDATE: ("set", "add", "cas", "append", "ms", "lease-set"),
    OpClass.DELETE: ("delete", "md"),
}
FREE = ("incr", "touch")


@pytest.mark.parametrize("limited", KINDS)
@pytest.mark.parametrize("kind", LIKE)
def test_only_the_kinds_with_a_rate_are_limited(limited, kind):
    cache = CacheRoute(failing=Result.BUSY)
    route = RateLimitRoute(cache, {limited: (10, 2)}, make_context())
    got = [say(route, LIKE[kind])[0][0] for _ in range(5)]
    default = Result.NOTSTORED if limited is OpClass.UPDATE else Result.NOTFOUND
    expected = [default] * 3 if kind in KINDS[limited] else [Result.BUSY] * 3
    assert got == [Result.BUSY] * 2 + expected


def test_tokens_come_with_time_and_refusals_are_counted():
    clock, cache = Clock(), CacheRoute(k=b"v")
    context = make_context(clock)
    route = RateLimitRoute(cache, {OpClass.GET: (2, 1)}, context)
    assert [say(route, LIKE["get"])[0][0] for _ in range(2)] == [Result.FOUND, Result.NOTFOUND]
    clock.advance(0.5)
    assert [say(route, LIKE["get"])[0][0] for _ in range(2)] == [Result.FOUND, Result.NOTFOUND]
    assert context.counters["rate_limited"] == 2


def test_a_wall_clock_that_is_set_changes_nothing():
    context = replace(make_context(), wall_time=iter(range(0, 10**9, 1000)).__next__)
    route = RateLimitRoute(CacheRoute(k=b"v"), {OpClass.GET: (2, 1)}, context)
    assert [say(route, LIKE["get"])[0][0] for _ in range(3)] == [Result.FOUND] + [Result.NOTFOUND] * 2


def test_a_fallback_is_asked_instead():
    fallback = CacheRoute(k=b"f")
    route = RateLimitRoute(CacheRoute(), {OpClass.GET: (1, 0)}, make_context(), fallback)
    assert say(route, LIKE["get"]) == [(Result.FOUND, b"VALUE k 0 1\r\nf\r\nEND\r\n")]


def test_keys_share_a_line_only_when_gets_are_free():
    leaf, keys = Leaf("a"), [b"k", b"l"]
    free = RateLimitRoute(DestinationRoute(leaf), {OpClass.DELETE: (1, 1)}, make_context())
    assert free.locate(keys) == ([leaf, leaf], keys)
    limited = RateLimitRoute(DestinationRoute(leaf), {OpClass.GET: (1, 1)}, make_context())
    assert limited.locate(keys)[0] == [None, None]


def test_from_a_configuration():
    rates = {"gets_rate": 1, "gets_burst": 3, "deletes_rate": 2}
    route = build("RateLimitRoute", target=CacheRoute(k=b"v"), rates=rates, fallback=CacheRoute(k=b"f"))
    assert [say(route, LIKE["get"])[0][1][-8:-7] for _ in range(5)] == [b"v"] * 3 + [b"f"] * 2
    got = [say(route, b"delete none\r\n")[0][0] for _ in range(3)]
    assert got == [Result.NOTFOUND] * 3
    target = CacheRoute()
    assert build("RateLimitRoute", target=target, rates={}) is target
    with pytest.raises(ConfigError, match="rates is missing"):
        build("RateLimitRoute", target=target)
