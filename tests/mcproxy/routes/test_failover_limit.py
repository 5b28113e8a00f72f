from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover_limit import FailoverLimit, LimitedRoute
from tests.support.scripted_route import Leaf, ScriptedRoute, ask


def test_it_starts_full_and_fills_by_requests():
    limit = FailoverLimit(0.5, 2.0)
    assert [limit.take() for _ in range(3)] == [True, True, False]
    limit.on_request()
    assert not limit.take()
    limit.on_request()
    assert limit.take()


def test_it_never_holds_more_than_the_burst():
    limit = FailoverLimit(1.0, 2.0)
    for _ in range(10):
        limit.on_request()
    assert [limit.take() for _ in range(3)] == [True, True, False]


def test_the_route_before_the_first_child_counts():
    limit, child = FailoverLimit(1.0, 1.0), ScriptedRoute()
    limit.take()
    ask(LimitedRoute(child, limit))
    assert limit.take()
    assert len(child.seen) == 1
    assert LimitedRoute(DestinationRoute(Leaf("a")), limit).destinations()[0].name == "a"
