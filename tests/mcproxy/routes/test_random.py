from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.null import NullRoute
from tests.support.built_route import build
from tests.support.operations import HITS, ONE_OF_EACH
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf, ScriptedRoute, ask

DRAWS = [0.0, 0.34, 0.67, 0.999, 0.33]


def test_every_request_draws():
    children = [ScriptedRoute(name=str(n)) for n in range(3)]
    route = build("RandomRoute", make_context(draws=DRAWS), children=children)
    for number in range(5):
        ask(route, key=b"%d" % number)
    assert [[key for key, _ in child.seen] for child in children] == [[b"0", b"4"], [b"1"], [b"2", b"3"]]


def test_all_operations_alike():
    for op in ONE_OF_EACH:
        children = [ScriptedRoute(HITS[op]) for n in range(2)]
        assert ask(build("RandomRoute", make_context(draws=[0.5]), children=children), op)[0] == HITS[op]
        assert [len(child.seen) for child in children] == [0, 1]


def test_each_key_of_a_get_draws():
    leaves = [DestinationRoute(Leaf(str(n))) for n in range(3)]
    route = build("RandomRoute", make_context(draws=DRAWS), children=leaves)
    servers, _ = route.locate([b"%d" % number for number in range(5)])
    assert [server.name for server in servers] == ["0", "1", "2", "2", "0"]


def test_degenerate_shapes():
    child = ScriptedRoute()
    assert build("RandomRoute", children=[child]) is child
    assert isinstance(build("RandomRoute", children=[]), NullRoute)
