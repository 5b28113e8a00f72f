import pytest

from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from tests.support.built_route import build
from tests.support.operations import HITS, ONE_OF_EACH
from tests.support.scripted_route import Leaf, ScriptedRoute, ask

REFUSED = (Result.LOCAL_ERROR, b"SERVER_ERROR Hash stop not permited\r\n")


@pytest.mark.parametrize("op", ONE_OF_EACH)
@pytest.mark.parametrize(
    ("key", "passes"),
    [(b"k", True), (b"u:1", True), (b"u:1|#|x", True), (b"v:1|#|x", False), (b"|#|u:", False), (b"img:|#|", True)],
)
def test_who_may_place_keys(op, key, passes):
    target = ScriptedRoute(HITS[op])
    reply = ask(build("HashStopAllowListRoute", target=target, prefixes=["u:", "img:"]), op, key)
    assert (reply[0] == HITS[op]) is passes
    assert passes or reply == REFUSED
    assert len(target.seen) == passes


def test_without_prefixes_nobody_may():
    route = build("HashStopAllowListRoute", target=ScriptedRoute())
    assert ask(route, key=b"a|#|b") == REFUSED
    assert ask(route, key=b"a")[0] == Result.FOUND


def test_keys_are_located_unless_one_is_refused():
    leaf = DestinationRoute(Leaf("a"))
    route = build("HashStopAllowListRoute", target=leaf, prefixes=["u:"])
    assert route.locate([b"a", b"u:|#|1"])[0] == [leaf.destination] * 2
    assert route.locate([b"a", b"b|#|1"])[0] == [None, None]
