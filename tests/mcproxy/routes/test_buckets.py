"""Buckets as mcrouter counts them (its own published numbers), and servers by bucket."""

import json

import pytest

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from mcproxy.hashing.furc import furc_hash
from mcproxy.routes.base import Pool
from mcproxy.routes.buckets import Buckets
from mcproxy.routes.key_parse import KeyParseRoute
from mcproxy.routes.pool import pool_route
from tests.support.built_route import build
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy
from tests.support.scripted_route import ScriptedRoute, ask

BUCKETS = {"bucketize": True, "total_buckets": 100, "bucketization_keyspace": "testRegion:testPool"}


@pytest.fixture
def pool():
    nodes = tuple(Node(f"10.0.0.{n}:11211", tag=f"t{n}") for n in range(7))
    return Pool("A", nodes, tuple(ScriptedRoute(name=str(n)) for n in range(7)))


def test_mcrouters_numbers():
    buckets = Buckets(100, "testRegion:testPool")
    assert buckets.bucket_of(b"getReq") == 28
    placed = KeyParseRoute(ScriptedRoute(), 3, b":").placed
    for key in (b"cache:is:key:to:scaling", b"cache:is:key:to:success"):
        assert buckets.bucket_of(placed(key)) == 80


def test_the_salt_and_the_hash_stop():
    assert Buckets(100, "x", b"Req").bucket_of(b"get") == 28
    assert Buckets(100, "x").bucket_of(b"getReq|#|more") == 28


@pytest.mark.parametrize("function", ["Ch3", "Crc32", "ring", "Rendezvous"])
@pytest.mark.parametrize("salt", ["", "s"])
def test_the_pools_hash_sees_the_bucket_as_text(pool, function, salt):
    route = pool_route(pool, function, HashOptions(salt=salt), Buckets(50, "x"))
    select = HASH_FUNCTIONS[function](pool.nodes, HashOptions(salt=salt))
    for number in range(200):
        key = b"key:%d|#|%d" % (number % 100, number)
        server = select(b"%d" % furc_hash(b"key:%d" % (number % 100), 50))
        ask(route, key=key)
        assert pool.members[server].seen[-1][0] == key
        assert route.member_of(key) == server


def test_built_from_a_config(pool):
    route = build("PoolRoute", pool=pool, hash={"hash_func": "Ch3", "salt": "h"}, salt="b", **BUCKETS)
    ask(route, key=b"k")
    bucket = furc_hash(b"kb", 100)
    assert pool.members[furc_hash(b"%dh" % bucket, 7)].seen == [(b"k", b"get k\r\n")]


def test_not_without_bucketize(pool):
    route = build("PoolRoute", pool=pool, **{**BUCKETS, "bucketize": False})
    ask(route, key=b"k")
    assert pool.members[furc_hash(b"k", 7)].seen


async def test_in_a_proxy_and_its_admin_key():
    async with MockUpstream(store_script()) as a, MockUpstream(store_script()) as b:
        pools = {"A": {"servers": [a.address, b.address]}, "B": {"servers": [b.address]}}
        bucketized = {"type": "PoolRoute", "pool": "A", **BUCKETS}
        for route, told in (
            (bucketized, b"getReq\t28\ttestRegion:testPool"),
            ("PoolRoute|A", b""),
            (
                {
                    "type": "MissFailoverRoute",
                    "children": [bucketized, {**bucketized, "pool": "B", "total_buckets": 1}],
                },
                b"getReq\t28\ttestRegion:testPool\r\ngetReq\t0\ttestRegion:testPool",
            ),
        ):
            async with running_proxy("--config", json.dumps({"pools": pools, "route": route})) as proxy:
                client = await proxy.connect()
                for key in (b"getReq", b"/././getReq"):
                    asked = b"__mcrouter__.get_bucket(%b)" % key
                    answer = b"VALUE %b 0 %d\r\n%b\r\nEND\r\n" % (asked, len(told), told)
                    await client.ask(b"get %b\r\n" % asked, answer)
        assert not a.lines + b.lines


async def test_many_keys_of_one_get_go_by_their_buckets():
    async with MockUpstream(store_script()) as a, MockUpstream(store_script()) as b:
        pools = {"A": {"servers": [a.address, b.address]}}
        config = json.dumps({"pools": pools, "route": {"type": "PoolRoute", "pool": "A", **BUCKETS}})
        async with running_proxy("--config", config) as proxy:
            client = await proxy.connect()
            keys = [b"key%d" % number for number in range(40)]
            for key in keys:
                await client.ask(b"set %b 0 0 1\r\nx\r\n" % key, b"STORED\r\n")
            found = b"".join(b"VALUE %b 0 1\r\nx\r\n" % key for key in keys)
            await client.ask(b"get %b\r\n" % b" ".join(keys), found + b"END\r\n")
