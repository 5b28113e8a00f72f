import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.routes.modify_exptime import ModifyExptimeRoute
from tests.support.built_route import build
from tests.support.cache_route import LIKE, CacheRoute, say
from tests.support.route_context import Clock
from tests.support.scripted_route import ScriptedRoute

NOW = 1_700_000_000.0


def sent(route, text):
    say(route, text)
    return route._target.seen[-1][1]


def modify(exptime, is_limit=False):
    return ModifyExptimeRoute(ScriptedRoute(), exptime, is_limit, lambda: NOW)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("set", b"set k 5 7 1\r\nx\r\n"),
        ("add", b"add k 5 7 1\r\nx\r\n"),
        ("cas", b"cas k 5 7 1 7\r\nx\r\n"),
        ("append", b"append k 5 7 1\r\nx\r\n"),
        ("touch", b"touch k 7\r\n"),
        ("gat", b"gat 7 k\r\n"),
        ("ms", b"ms k 1 T7\r\nx\r\n"),
        ("get", LIKE["get"]),
        ("gets", LIKE["gets"]),
        ("delete", LIKE["delete"]),
        ("incr", LIKE["incr"]),
        ("mg", LIKE["mg"]),
        ("md", LIKE["md"]),
    ],
)
def test_what_stores_or_touches_gets_the_exptime(kind, expected):
    assert sent(modify(7), LIKE[kind]) == expected


@pytest.mark.parametrize(
    ("asked", "limit", "expected"),
    [(60, 7, 7), (5, 7, 5), (0, 7, 7), (-1, 7, -1), (1_700_000_003, 7, 1_700_000_003), (1_700_000_009, 7, 7)],
)
def test_min_takes_what_is_over_first(asked, limit, expected):
    assert sent(modify(limit, is_limit=True), b"touch k %d\r\n" % asked) == b"touch k %d\r\n" % expected


def test_the_request_itself_stays_as_it_was_for_who_asks_elsewhere():
    cache = CacheRoute(k=b"v")
    heard = say(ModifyExptimeRoute(cache, 7, False, Clock), LIKE["gat"])
    assert heard == [(Result.FOUND, b"VALUE k 0 1\r\nv\r\nEND\r\n")]
    assert cache.entries[b"k"].exptime == 7


def test_from_a_configuration():
    target = CacheRoute()
    assert say(build("ModifyExptimeRoute", target=target, exptime=7), LIKE["touch"])
    assert target.texts == [b"touch k 7\r\n"]
    assert say(build("ModifyExptimeRoute", target=target, exptime=7, action="min"), b"touch k 5\r\n")
    assert target.texts[1] == b"touch k 5\r\n"
    assert build("ModifyExptimeRoute", target=target, exptime=0, action="min") is target


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "exptime is missing"),
        ({"exptime": "7"}, "exptime must be a whole number"),
        ({"exptime": -2}, "exptime must be at least -1"),
        ({"exptime": 7, "action": "max"}, "action must be set or min, not max"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ConfigError, match=message):
        build("ModifyExptimeRoute", target=CacheRoute(), **fields)
