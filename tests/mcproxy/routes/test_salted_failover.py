from mcproxy.hashing import Node
from mcproxy.outcome import Result
from mcproxy.routes.base import Pool
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.pool import PoolRoute
from tests.support.built_route import build
from tests.support.scripted_route import ScriptedRoute, ask

POLICY = {"type": "DeterministicOrderPolicy", "max_tries": 3, "max_error_tries": 3}


def pool():
    nodes = tuple(Node(f"10.0.0.{n}:11211") for n in range(5))
    return Pool("A", nodes, tuple(ScriptedRoute(Result.TIMEOUT, name=str(n)) for n in range(5)))


def test_the_pool_and_then_its_servers():
    servers = pool()
    route = build("SaltedFailoverRoute", pool=servers, failover_policy=POLICY)
    assert isinstance(route, FailoverRoute)
    assert isinstance(route.children[0], PoolRoute)
    assert tuple(route.children[1:]) == servers.members
    for number in range(20):
        ask(route, key=b"%d" % number)
    assert sum(len(server.seen) for server in servers.members) == 60
    assert all(len({key for key, _ in server.seen}) == len(server.seen) for server in servers.members)


def test_the_hash_is_the_pools():
    first = build("SaltedFailoverRoute", pool=pool(), hash="Crc32").children[0]
    assert [first.member_of(b"%d" % n) for n in range(20)] == [
        build("PoolRoute", pool=pool(), hash="Crc32").member_of(b"%d" % n) for n in range(20)
    ]


def test_a_server_that_answers():
    servers = pool()
    servers.members[2].results = [Result.FOUND]
    route = build("SaltedFailoverRoute", pool=servers)
    assert {ask(route, key=b"%d" % n)[0] for n in range(10)} == {Result.FOUND}
