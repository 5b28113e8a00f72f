from collections import Counter

import pytest

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from mcproxy.outcome import Result
from mcproxy.routes.base import Pool
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.pool import pool_route
from tests.support.scripted_route import Leaf, ScriptedRoute, ask


@pytest.fixture
def pool():
    nodes = tuple(Node(f"10.0.0.{n}:11211", tag=f"t{n}") for n in range(3))
    return Pool("A", nodes, tuple(ScriptedRoute(name=str(n)) for n in range(3)))


@pytest.mark.parametrize("function", sorted(HASH_FUNCTIONS.keys() - {"ConstShard"}))
def test_the_hash_function_chooses(pool, function):
    route = pool_route(pool, function, HashOptions())
    select = HASH_FUNCTIONS[function](pool.nodes, HashOptions())
    for number in range(100):
        key = b"key:%d" % number
        ask(route, key=key)
        assert pool.members[select(key)].seen[-1][0] == key


def test_every_server_gets_keys(pool):
    route = pool_route(pool, "ring", HashOptions())
    counts = Counter(ask(route, key=b"key:%d" % number)[1].split(b"\r\n")[1] for number in range(300))
    assert set(counts) == {b"0", b"1", b"2"}


def test_keys_are_hashed_up_to_their_hash_stop_and_sent_whole(pool):
    route = pool_route(pool, "Ch3", HashOptions())
    for number in range(50):
        ask(route, key=b"tag|#|%d" % number)
    used = [member for member in pool.members if member.seen]
    assert len(used) == 1
    assert used[0].seen[7] == (b"tag|#|7", b"get tag|#|7\r\n")


@pytest.mark.parametrize("nodes", [(), (None, None)])
def test_an_empty_pool_is_an_error_at_every_request(nodes):
    route = pool_route(Pool("B", nodes, ()), "ring", HashOptions())
    assert ask(route) == (
        Result.LOCAL_ERROR,
        b"SERVER_ERROR HashRoute with empty children, name: B\r\n",
    )


def test_keys_are_located_where_gets_of_them_go(pool):
    leaves = [Leaf(str(n)) for n in range(3)]
    members = (DestinationRoute(leaves[0]), ScriptedRoute(), DestinationRoute(leaves[2]))
    route = pool_route(Pool("A", pool.nodes, members), "Ch3", HashOptions())
    select = HASH_FUNCTIONS["Ch3"](pool.nodes, HashOptions())
    keys = [b"key:%d" % number for number in range(100)] + [b"tag|#|%d" % number for number in range(9)]
    expected = [leaves[n] if n != 1 else None for n in (select(key.split(b"|#|")[0]) for key in keys)]
    servers, inner = route.locate(keys)
    assert servers == expected
    assert set(servers) == {leaves[0], None, leaves[2]}
    assert inner is keys
