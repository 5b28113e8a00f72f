import pytest

from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.migrate import MigrateRoute
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import Clock
from tests.support.scripted_route import Leaf

START, INTERVAL = 10_000.0, 100
MOVES_AFTER = INTERVAL + spooky_hash32(b"k") % INTERVAL
DELETES = ("delete", "md")


def migrate(elapsed, old=None, new=None):
    clock = Clock(START + elapsed)
    return MigrateRoute(old or CacheRoute(), new or CacheRoute(), START, INTERVAL, lambda: clock.now)


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
