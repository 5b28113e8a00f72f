import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.lease import lease_set_text, parse_lease, token_of
from mcproxy.outcome import Result
from mcproxy.request_text import Update
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.migrate import MigrateRoute
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import Clock, make_context
from tests.support.scripted_route import Leaf

START, INTERVAL = 10_000.0, 100
MOVES_AFTER = INTERVAL + spooky_hash32(b"k") % INTERVAL
DELETES = ("delete", "md")


def migrate(elapsed, old=None, new=None):
    clock = Clock(START + elapsed)
    old, new, background = old or CacheRoute(), new or CacheRoute(), make_context().background
    return MigrateRoute(old, new, START, INTERVAL, lambda: clock.now, background)


@pytest.mark.parametrize("kind", [kind for kind in LIKE if kind not in DELETES])
@pytest.mark.parametrize(
    ("elapsed", "is_new"),
    [
        (-1, False),
        (0, False),
        (INTERVAL - 1, False),
        (MOVES_AFTER - 1, False),
        (MOVES_AFTER, True),
        (2 * INTERVAL, True),
        (9999, True),
    ],
)
def test_where_a_key_is(kind, elapsed, is_new):
    old, new = CacheRoute(failing=Result.BUSY), CacheRoute(failing=Result.BUSY)
    say(migrate(elapsed, old, new), LIKE[kind])
    assert (len(old.texts), len(new.texts)) == ((0, 1) if is_new else (1, 0))


@pytest.mark.parametrize("kind", DELETES)
@pytest.mark.parametrize(
    ("elapsed", "asked"),
    [(-1, (1, 0)), (0, (1, 1)), (INTERVAL, (1, 1)), (2 * INTERVAL - 1, (1, 1)), (2 * INTERVAL, (0, 1))],
)
def test_deletes_go_to_both_while_keys_may_be_in_either(kind, elapsed, asked):
    old, new = CacheRoute(failing=Result.DELETED), CacheRoute(failing=Result.DELETED)
    assert say(migrate(elapsed, old, new), LIKE[kind])[0][0] == Result.DELETED
    assert (len(old.texts), len(new.texts)) == asked


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("other", [Result.DELETED, Result.NOTFOUND])
def test_the_worse_reply_of_two(error, other):
    for first, second in ((error, other), (other, error)):
        route = migrate(0, CacheRoute(failing=first), CacheRoute(failing=second))
        assert say(route, LIKE["delete"])[0][0] == error


def test_a_delete_waits_for_both():
    old, new = CacheRoute(k=b"v"), CacheRoute(later=True, k=b"v")
    heard = say(migrate(0, old, new), LIKE["delete"])
    assert not heard
    new.answer_next()
    assert heard == [(Result.DELETED, b"DELETED\r\n")]


def test_keys_move_one_by_one_and_those_with_one_hashed_part_together():
    moved = []
    for elapsed in range(INTERVAL, 2 * INTERVAL, 10):
        leaves = Leaf("old"), Leaf("new")
        route = migrate(elapsed, DestinationRoute(leaves[0]), DestinationRoute(leaves[1]))
        moved.append(route.locate([b"key:%d" % n for n in range(200)])[0].count(leaves[1]))
        places = {id(server) for server in route.locate([b"a|#|%d" % n for n in range(20)])[0]}
        assert len(places) == 1
    assert moved == sorted(moved)
    assert moved[0] < 20 and moved[5] in range(70, 130) and moved[-1] > 160


def test_from_a_configuration():
    clock, old, new = Clock(START), CacheRoute(), CacheRoute()
    fields = {"from": old, "to": new, "start_time": int(START)}
    route = build("MigrateRoute", make_context(clock), **fields)
    clock.advance(2 * 3600 - 1)
    say(route, LIKE["delete"])
    clock.advance(1)
    say(route, LIKE["delete"])
    assert (len(old.texts), len(new.texts)) == (1, 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "start_time is missing"),
        ({"start_time": 1.5}, "start_time must be a whole number"),
        ({"start_time": 1, "interval": 0}, "interval must be at least 1"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ConfigError, match=message):
        build("MigrateRoute", **{"from": CacheRoute(), "to": CacheRoute(), **fields})


@pytest.mark.parametrize(
    ("after_s", "is_ended"), [(-1, False), (0, True), (9, True), (10, False), (2 * INTERVAL, False)]
)
def test_a_lease_of_before_the_move_is_ended_where_it_was_given(after_s, is_ended):
    old, new = CacheRoute(), CacheRoute()
    [(_, raw)] = say(old, LIKE["lease-get"])
    text = lease_set_text(b"k", parse_lease(raw).token, Update(0, 60, b"v"))
    result = say(migrate(MOVES_AFTER + after_s, old, new), text)[0][0]
    if after_s < 0:
        assert (result, old.values()) == (Result.STORED, {b"k": b"v"})
        return
    assert (result, new.values()) == (Result.NOTSTORED, {})
    assert old.values() == ({} if is_ended else {b"k": b""})
    if is_ended:
        assert b" T-1\r\n" in old.texts[1]
        assert token_of(old.texts[1]) == token_of(text)


@pytest.mark.parametrize("result", [Result.STORED, *ERRORS])
def test_what_is_stored_or_failed_ends_nothing(result):
    old, new = CacheRoute(), CacheRoute(failing=result)
    assert say(migrate(MOVES_AFTER, old, new), LIKE["lease-set"])[0][0] == result
    assert not old.texts
