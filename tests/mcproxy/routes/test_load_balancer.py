import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from tests.support.built_route import build
from tests.support.route_context import make_context
from tests.support.scripted_route import ScriptedRoute, ask


@pytest.mark.parametrize("fields", [{}, {"algorithm": "two-random-choices"}, {"salt": "s", "load_ttl_ms": 5}])
def test_an_even_spread(fields):
    children = [ScriptedRoute() for _ in range(4)]
    route = build("LoadBalancerRoute", make_context(draws=[0.0, 0.25, 0.5, 0.75]), children=children, **fields)
    for _ in range(8):
        ask(route)
    assert [len(child.seen) for child in children] == [2, 2, 2, 2]


def test_so_many_children_are_tried():
    children = [ScriptedRoute(Result.TIMEOUT), ScriptedRoute(Result.BUSY), ScriptedRoute()]
    route = build("LoadBalancerRoute", make_context(draws=[0.0]), children=children, failover_count=2)
    assert ask(route)[0] == Result.BUSY
    route = build("LoadBalancerRoute", make_context(draws=[0.34]), children=children, failover_count=9)
    assert ask(route)[0] == Result.FOUND


@pytest.mark.parametrize("fields", [{"algorithm": "guess"}, {"failover_count": 0}, {"load_ttl_ms": 0}])
def test_what_is_refused(fields):
    with pytest.raises(ConfigError):
        build("LoadBalancerRoute", children=[ScriptedRoute()], **fields)
