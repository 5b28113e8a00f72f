import random

import pytest

from mcproxy.outcome import Result
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.prefix_selector import PrefixSelectorRoute
from mcproxy.routes.root import RootRoute
from mcproxy.routing_prefix import PrefixedKey
from tests.support.built_route import build
from tests.support.operations import HITS, ONE_OF_EACH
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf, ScriptedRoute, ask

NO_ROUTE = (Result.LOCAL_ERROR, b"SERVER_ERROR RootRoute: No rh found\r\n")


def at_the_top(selector):
    return RootRoute({b"/././": selector}, selector, make_context())


@pytest.fixture
def children():
    return {name: ScriptedRoute(name=name) for name in "uiw"}


@pytest.fixture
def selector(children):
    policies = {"user:": children["u"], "user:img": children["i"]}
    return build("PrefixSelectorRoute", policies=policies, wildcard=children["w"])


@pytest.mark.parametrize(
    ("key", "child"),
    [
        (b"user:1", "u"),
        (b"user:", "u"),
        (b"user:img", "i"),
        (b"user:img:7", "i"),
        (b"user:im", "u"),
        (b"user", "w"),
        (b"xuser:1", "w"),
        (b"/././user:img", "i"),
    ],
)
def test_the_longest_prefix_wins(selector, children, key, child):
    ask(at_the_top(selector), key=key)
    assert [name for name, route in children.items() if route.seen] == [child]


@pytest.mark.parametrize("seed", range(20))
def test_any_policies_as_by_trying_them_all(seed):
    rng = random.Random(seed)
    texts = [bytes(rng.choices(b"ab/\xfe\xff", k=rng.randrange(1, 5))) for _ in range(200)]
    policies = {prefix: ScriptedRoute() for prefix in texts[: rng.randrange(1, 30)]}
    if seed % 5 == 0:
        policies[b""] = ScriptedRoute()
    wildcard = ScriptedRoute()
    selector = PrefixSelectorRoute(policies, wildcard)
    for key in [*texts, *policies]:
        expected = max((p for p in policies if key.startswith(p)), key=len, default=None)
        handle = wildcard if expected is None else policies[expected]
        assert selector.select(key) is handle
        assert selector.select(PrefixedKey(b"/a/b/", key)) is handle


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_all_operations_alike(selector, children, op):
    children["i"].results = [HITS[op]]
    assert ask(at_the_top(selector), op, b"user:img")[0] == HITS[op]


def test_deeper_down_it_is_its_wildcard(selector, children):
    deeper = build("RandomRoute", children=[selector, selector])
    ask(at_the_top(deeper), key=b"user:1")
    assert len(children["w"].seen) == 1


def test_without_a_wildcard_other_keys_are_errors(children):
    root = at_the_top(build("PrefixSelectorRoute", policies={"user:": children["u"]}))
    assert ask(root, key=b"user:1")[0] == Result.FOUND
    assert ask(root, key=b"x") == NO_ROUTE


def test_without_policies_it_is_its_wildcard(children):
    assert build("PrefixSelectorRoute", wildcard=children["w"]) is children["w"]
    assert ask(build("PrefixSelectorRoute")) == NO_ROUTE


def test_keys_are_located_by_their_prefix():
    u, w = DestinationRoute(Leaf("u")), DestinationRoute(Leaf("w"))
    selector = build("PrefixSelectorRoute", policies={"u:": u}, wildcard=w)
    root = at_the_top(selector)
    assert root.locate([b"u:1", b"a", b"u:2"])[0] == [u.destination, w.destination, u.destination]
    assert list(root.locate([b"/././u:1", b"u:2", b"a"])[0]) == [u.destination, u.destination, w.destination]
    assert selector.locate([b"u:1"])[0] == [w.destination]
    assert root.destinations() == (w.destination, u.destination)
