import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing import HashOptions, Node
from mcproxy.outcome import Result
from mcproxy.routes.base import Pool
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.failover_policies import FailoverPolicy
from mcproxy.routes.keep_prefix import KeepPrefixRoute
from mcproxy.routes.pool import pool_route
from mcproxy.routes.root import RootRoute
from mcproxy.routing_prefix import hashed_part
from tests.support.built_route import build
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf, Replies, ScriptedRoute, ask, make_request


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"a:b:c", b"a:b:"),
        (b"a:b:c:d", b"a:b:"),
        (b"a:b:", b"a:b:"),
        (b"a:b", b"a:b"),
        (b"a", b"a"),
        (b"a::b", b"a::"),
        (b"a:b:c|#|d:e", b"a:b:"),
        (b"a:b|#|d:e", b"a:b"),
        (b"a:b:|#|:", b"a:b:"),
    ],
)
def test_the_first_parts_are_hashed(key, hashed):
    route = build("KeyParseRoute", target=ScriptedRoute(), num_routing_parts=2, delimiter=":")
    placed = route.placed(key)
    assert placed == key
    assert hashed_part(placed) == hashed


def pool(count=10):
    members = tuple(ScriptedRoute(name=str(n)) for n in range(count))
    nodes = tuple(Node(str(n)) for n in range(count))
    return pool_route(Pool("A", nodes, members), "Ch3", HashOptions()), members


def test_keys_with_the_same_parts_share_a_server_and_are_sent_whole():
    target, members = pool()
    route = build("KeyParseRoute", target=target, num_routing_parts=2, delimiter=":")
    for number in range(30):
        assert ask(route, key=b"user:7:%d" % number)[1].startswith(b"VALUE user:7:%d " % number)
    used = [member for member in members if member.seen]
    assert len(used) == 1
    assert used[0].seen[3] == (b"user:7:3", b"get user:7:3\r\n")
    for number in range(30):
        ask(route, key=b"user:%d:3" % number)
    assert sum(bool(member.seen) for member in members) > 3


def test_only_below_it():
    target, _ = pool()
    beside, members = pool()
    parsing = build("KeyParseRoute", target=ScriptedRoute(Result.TKO), num_routing_parts=1, delimiter=":")
    route = FailoverRoute(FailoverPolicy([parsing, beside]), make_context().counters)
    replies = Replies()
    for number in range(30):
        request = make_request(replies, key=b"user:%d" % number)
        route.route(request)
        assert type(request.key) is bytes
    assert sum(bool(member.seen) for member in members) > 3
    assert target.member_of(b"k") is not None


def test_a_pool_that_keeps_the_routing_prefix_gets_it_back():
    server = ScriptedRoute()
    route = build("KeyParseRoute", target=KeepPrefixRoute(server), num_routing_parts=1, delimiter=":")
    ask(RootRoute({b"/a/b/": route}, route, make_context()), key=b"/a/b/user:1")
    ask(route, key=b"user:1")
    assert [key for key, _ in server.seen] == [b"/a/b/user:1", b"user:1"]


def test_keys_are_located_by_their_parts():
    leaves = tuple(DestinationRoute(Leaf(str(n))) for n in range(10))
    target = pool_route(Pool("A", tuple(Node(str(n)) for n in range(10)), leaves), "Ch3", HashOptions())
    route = build("KeyParseRoute", target=target, num_routing_parts=1, delimiter=":")
    keys = [b"user:%d" % n for n in range(9)]
    servers, inner = route.locate(keys)
    assert len(set(servers)) == 1
    assert inner is keys


@pytest.mark.parametrize(
    "fields", [{}, {"num_routing_parts": 0}, {"delimiter": ""}, {"delimiter": "::"}, {"num_routing_parts": "1"}]
)
def test_what_is_refused(fields):
    with pytest.raises(ConfigError):
        build("KeyParseRoute", **{"target": ScriptedRoute(), "delimiter": ":", **fields})
