import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from mcproxy.hashing.furc import furc_hash
from mcproxy.outcome import Result
from mcproxy.routes.base import Pool
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.failover_policies import DeterministicOrderPolicy, FailoverPolicy, chosen_by
from mcproxy.routes.pool import pool_route
from tests.support.built_route import build
from tests.support.route_context import make_context
from tests.support.scripted_route import Leaf, Replies, ScriptedRoute, ask, make_request

F, T, TKO = Result.FOUND, Result.TIMEOUT, Result.TKO
LEAST = "LeastFailuresPolicy"
DETERMINISTIC = {"type": "DeterministicOrderPolicy", "max_tries": 9, "max_error_tries": 9}


def order_of(policy, key=b"k", failed=()):
    return list(policy.order(make_request(Replies(), key=key), failed))


class Server(ScriptedRoute):
    """Notes its place each time it is asked."""

    def __init__(self, place, places, result):
        super().__init__(result)
        self.place, self.places = place, places

    def route(self, request):
        self.places.append(self.place)
        super().route(request)


class Members:
    """A pool of failing servers behind its PoolRoute, and then each of them: what the policies are made for."""

    def __init__(self, count, result=T):
        self.places = []
        servers = tuple(Server(n, self.places, result) for n in range(count))
        self.pool = pool_route(Pool("A", tuple(Node(str(n)) for n in range(count)), servers), "Ch3", HashOptions())
        self.children = [self.pool, *servers]

    def built(self, policy, context=None, **fields):
        return build("FailoverRoute", context, children=self.children, failover_policy=policy, **fields)

    def asked(self, route, key):
        """The servers that were asked for `key`, in order, and the reply."""
        self.places.clear()
        reply = ask(route, key=key)
        return self.places, reply


def test_without_a_policy_the_order_of_the_config():
    policy = FailoverPolicy([ScriptedRoute() for _ in range(4)])
    assert order_of(policy) == [1, 2, 3]
    assert policy.tries == 3


# LeastFailuresPolicy


def least(children, max_tries, context=None):
    return build("FailoverRoute", context, children=children, failover_policy={"type": LEAST, "max_tries": max_tries})


def test_the_fewest_errors_in_a_row_first_after_child_0():
    children = [ScriptedRoute(T), ScriptedRoute(T), ScriptedRoute(T), ScriptedRoute(F)]
    route = least(children, 2)
    assert [ask(route)[0] for _ in range(4)] == [T, T, F, F]
    assert [len(child.seen) for child in children] == [4, 1, 1, 2]


def test_an_ordinary_reply_ends_the_row():
    children = [ScriptedRoute(T), ScriptedRoute(T, Result.NOTFOUND, T), ScriptedRoute(T)]
    route = least(children, 2)
    for _ in range(3):
        ask(route)
    # 1 fails, 2 fails, 1 again (equal, and first): a miss
    assert [len(child.seen) for child in children] == [3, 2, 1]
    ask(route)
    assert len(children[1].seen) == 3


@pytest.mark.parametrize(("max_tries", "asked"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_so_many_are_tried(max_tries, asked):
    context = make_context()
    children = [ScriptedRoute(T) for _ in range(3)]
    ask(least(children, max_tries, context))
    assert sum(len(child.seen) for child in children) == asked
    assert context.counters["failover_least_failures_policy_failed"] == 1
    assert context.counters["failover_least_failures_policy"] == (asked > 1)


# DeterministicOrderPolicy


def expected_order(key, count, skipped):
    """As the reference has it: Ch3 with the salts 2, 3, ... over all children, skipping those that were used."""
    used, salt, places = {0, *skipped}, 2, []
    while len(places) < count - 1 - len(skipped):
        at = furc_hash(key + str(salt).encode(), count)
        salt += 1
        if at not in used:
            used.add(at)
            places.append(at)
    return places


@pytest.mark.parametrize("key", [b"k%d" % n for n in range(20)])
def test_children_are_drawn_by_the_key(key):
    members = Members(8)
    route = members.built(DETERMINISTIC | {"max_tries": 8})
    chosen = members.pool.member_of(key) + 1
    places, reply = members.asked(route, key)
    assert reply[0] == T
    assert [chosen, *expected_order(key, 9, [chosen])] == [place + 1 for place in places]


def test_the_hash_stop_ends_what_is_hashed():
    members = Members(8)
    policy = members.built(DETERMINISTIC).policy
    assert order_of(policy, b"a|#|b") == order_of(policy, b"a|#|c") == order_of(policy, b"a")


def test_the_server_that_child_0_has_chosen_may_be_drawn():
    members = Members(8)
    policy = members.built(DETERMINISTIC | {"ignore_normal_reply_index": True}).policy
    assert order_of(policy, b"k") == expected_order(b"k", 9, [])


def test_weights():
    weights = [0, 1, 0, 1, 0, 0, 0, 0, 0]
    members = Members(8)
    fields = {"hash": {"hash_func": "WeightedCh3", "weights": weights}, "ignore_normal_reply_index": True}
    first = [order_of(members.built(DETERMINISTIC | fields).policy, b"%d" % n)[0] for n in range(50)]
    select = HASH_FUNCTIONS["WeightedCh3"]([Node(str(n)) for n in range(9)], HashOptions(weights=tuple(weights)))
    assert first.count(1) + first.count(3) > 40
    assert all(at == select(b"%d2" % n) for n, at in enumerate(first) if select(b"%d2" % n) != 0)


@pytest.mark.parametrize(
    ("result", "fields", "asked"),
    [
        (T, {}, 8),
        (T, {"max_error_tries": 3}, 3),
        (T, {"max_error_tries": 1}, 1),
        (T, {"max_tries": 4}, 4),
        (T, {"max_tries": 4, "max_error_tries": 3}, 3),
        (TKO, {"max_error_tries": 1}, 8),  # not even asked: no try
        (Result.BUSY, {"max_error_tries": 2, "exclude_errors": ["busy"]}, 8),
        (T, {"max_error_tries": 2, "exclude_errors": ["busy"]}, 2),
    ],
)
def test_how_many_are_tried(result, fields, asked):
    members = Members(8, result)
    places, _ = members.asked(members.built(DETERMINISTIC | fields), b"some key")
    assert len(places) == asked


def test_failure_domains_that_have_failed_are_left_out():
    domains = [0, 1, 1, 1, 2, 2, 2]
    children = [ScriptedRoute() for _ in domains]

    def select(key):
        return furc_hash(key, len(children))

    counters = make_context().counters
    policy = DeterministicOrderPolicy(
        children, select, counters, max_tries=9, max_error_tries=9, chosen=lambda key: 1, domains=domains
    )
    request = make_request(Replies())
    for number in range(20):
        request.key = b"k%d" % number
        assert domains[next(policy.order(request, [0]))] == 2  # child 0's server, 1, was not reachable
    assert domains[next(policy.order(request, []))] in (1, 2)
    assert counters["failover_num_failed_domain_collisions"] > 0
    failed = [0]
    order = policy.order(request, failed)
    failed.append(next(order))
    assert next(order) in range(2, 7)  # both domains have failed: no longer a reason


def test_domains_are_those_of_the_servers():
    leaves = [DestinationRoute(Leaf(str(n)), failure_domain=n % 2 + 1) for n in range(4)]
    pool = pool_route(Pool("A", tuple(Node(str(n)) for n in range(4)), tuple(leaves)), "Ch3", HashOptions())
    policy = DETERMINISTIC | {"enable_failure_domains": True}
    assert build("FailoverRoute", children=[pool, *leaves], failover_policy=policy).policy._domains == [0, 1, 2, 1, 2]


# RendezvousPolicy


@pytest.mark.parametrize("where", ["policy", "route", "hash"])
def test_the_order_of_the_scores(where):
    tags = ["t0", "t1", "t2", "t3"]
    fields = (
        {"tags": tags} if where == "route" else {"hash": {"hash_func": "Ch3", "tags": tags}} if where == "hash" else {}
    )
    members = Members(4)
    policy = {"type": "RendezvousPolicy"} | ({"tags": tags} if where == "policy" else {})
    route = members.built(policy, **fields)
    select = HASH_FUNCTIONS["Rendezvous"]([Node(tag, tag=tag) for tag in tags], HashOptions())
    for number in range(20):
        key = b"key:%d" % number
        chosen = members.pool.member_of(key) + 1
        order = order_of(route.policy, key)
        assert sorted([chosen, *order]) == [1, 2, 3, 4]
        best = select(key) + 1
        assert order[0] == best or chosen == best
    assert members.asked(route, b"k")[1][0] == T


def test_children_of_another_kind_choose_nothing():
    children = [ScriptedRoute() for _ in range(3)]
    assert chosen_by(children)(b"k") is None
    route = build("FailoverRoute", children=children, failover_policy={"type": "RendezvousPolicy", "tags": ["a", "b"]})
    assert sorted(order_of(route.policy)) == [1, 2]


@pytest.mark.parametrize(
    "policy",
    [
        {"type": LEAST},
        {"type": LEAST, "max_tries": 0},
        {"type": "DeterministicOrderPolicy", "max_tries": 2},
        {"type": "DeterministicOrderPolicy", "max_error_tries": 2},
        DETERMINISTIC | {"exclude_errors": ["nonsense"]},
        DETERMINISTIC | {"hash": {"hash_func": "Crc32"}},
        DETERMINISTIC | {"hash": {"hash_func": "WeightedCh3", "weights": [3]}},
        DETERMINISTIC | {"enable_failure_domains": 1},
        {"type": "RendezvousPolicy"},
        {"type": "RendezvousPolicy", "tags": ["a", "b"]},
        {"type": "RendezvousPolicy", "tags": [""]},
        {"type": "NextPolicy"},
    ],
)
def test_what_is_refused(policy):
    with pytest.raises(ConfigError):
        build("FailoverRoute", children=[ScriptedRoute(), ScriptedRoute()], failover_policy=policy)
