from collections import Counter

import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing import Node
from mcproxy.outcome import Result
from mcproxy.routes.base import Pool
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.latest import draw
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.route_context import make_context
from tests.support.scripted_route import ScriptedRoute, ask


@pytest.fixture
def children():
    return [ScriptedRoute(name=str(n)) for n in range(10)]


def latest(children, host_id=1, worker=0, **fields):
    return build("LatestRoute", make_context(host_id=host_id, worker=worker), children=children, **fields)


def test_a_host_keeps_to_one_child_and_fails_over_to_the_same_few(children):
    route = latest(children)
    assert isinstance(route, FailoverRoute)
    assert len(route.children) == 5
    assert len(set(route.children)) == 5
    for number in range(20):
        ask(route, key=b"%d" % number)
    assert len(route.children[0].seen) == 20
    for child in route.children[:4]:
        child.results = [Result.TIMEOUT]
    assert ask(route)[0] == Result.FOUND
    assert len(route.children[4].seen) == 1


def test_hosts_spread_over_the_children(children):
    first = Counter(latest(children, host_id=host_id).children[0].name for host_id in range(500))
    assert len(first) == 10
    assert min(first.values()) > 25


def test_what_makes_another_draw(children):
    def drawn(**fields):
        return [latest(children, host_id=host_id, **fields).children[0] for host_id in range(50)]

    assert drawn() == drawn()
    assert drawn() == drawn(worker=3)
    assert drawn(thread_local_failover=True, worker=3) != drawn(thread_local_failover=True, worker=4)
    assert drawn(salt="s") != drawn()


def test_weights(children):
    weights = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    first = [latest(children, host_id=host_id, weights=weights).children[0] for host_id in range(100)]
    assert first.count(children[3]) > 90  # after 32 draws any child will do


def test_the_count(children):
    assert latest(children, failover_count=1) in children
    assert len(latest(children, failover_count=30).children) == 10
    assert latest(children[:1]) is children[0]
    assert isinstance(latest([]), NullRoute)


def test_it_takes_what_a_failover_takes(children):
    route = latest(children, failover_errors=["tko"], failover_policy={"type": "LeastFailuresPolicy", "max_tries": 2})
    route.children[0]._child.results = [Result.TIMEOUT]
    assert ask(route)[0] == Result.TIMEOUT


def test_a_draw_is_without_repetition():
    assert sorted(draw(10, 10, [1.0] * 10, "k")) == list(range(10))
    assert draw(0, 5, [], "k") == []


@pytest.mark.parametrize("fields", [{"failover_count": 0}, {"weights": [2.0]}, {"weights": ["a"]}, {"salt": 1}])
def test_what_is_refused(children, fields):
    with pytest.raises(ConfigError):
        latest(children, **fields)


@pytest.mark.parametrize("given", ["Latest", {"hash_func": "Latest", "failover_count": 3}])
def test_in_the_place_of_a_pools_hash_function(children, given):
    pool = Pool("A", tuple(Node(str(n)) for n in range(10)), tuple(children))
    route = build("PoolRoute", make_context(host_id=1), pool=pool, hash=given)
    assert route.children == latest(children, **({} if given == "Latest" else {"failover_count": 3})).children
