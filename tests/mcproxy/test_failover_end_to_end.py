"""Routes that choose, fan out and fail over, over real servers of both kinds, and servers that are away."""

import json
import socket
from contextlib import asynccontextmanager

import pytest

from mcproxy.stats import Stats
from tests.support.mock_upstream import MockUpstream
from tests.support.processes import memcache_server_command, memcached_command, running
from tests.support.running_proxy import running_proxy

MISS = b"END\r\n"
STORED = b"STORED\r\n"
KEYS = [b"key%d" % n for n in range(20)]


def value(key, text):
    return b"VALUE %b 0 %d\r\n%b\r\nEND\r\n" % (key, len(text), text)


def store(key, text, exptime=0):
    return b"set %b 0 %d %d\r\n%b\r\n" % (key, exptime, len(text), text)


@pytest.fixture(scope="module")
def addresses():
    """The original, ours, and one where nobody listens, nor can anybody begin to."""
    with running(memcached_command) as original, running(memcache_server_command) as ours, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        ports = {"M": original.address[1], "O": ours.address[1], "X": bound.getsockname()[1]}
        yield {name: f"127.0.0.1:{port}" for name, port in ports.items()}


@pytest.fixture
def proxy_of(addresses):
    """A proxy with the route given and a client of it. Pools: M, O, X of one server each; MO, XMO of several."""

    @asynccontextmanager
    async def started(route, *options):
        pools = {name: {"servers": [addresses[letter] for letter in name]} for name in ("M", "O", "X", "MO", "XMO")}
        config = {"pools": pools, "route": route}
        async with running_proxy("--config", json.dumps(config), "--enable-flush-cmd", *options) as proxy:
            client = await proxy.connect()
            yield client, proxy.proxy

    return started


async def flush(client):
    client.send(b"flush_all\r\n")
    await client.line()


def counts(proxy):
    proxy.publish_now()
    totals = Stats.totals_of(proxy._stats.counters)
    return {name.removeprefix("failover_"): n for name, n in totals.items() if n and name.startswith("failover_")}


REPLICATED = {
    "type": "OperationSelectorRoute",
    "default_policy": "AllSyncRoute|Pool|MO",
    "operation_policies": {"get": "MissFailoverRoute|Pool|MO", "incr": "PoolRoute|MO"},
}


async def test_a_replicated_pool_is_read_from_any_replica(proxy_of):
    async with (
        proxy_of(REPLICATED) as (client, _),
        proxy_of("PoolRoute|M") as (only_m, _),
        proxy_of("PoolRoute|O") as (
            only_o,
            _,
        ),
    ):
        await flush(client)
        await client.ask(store(b"k", b"both"), STORED)
        await only_m.ask(b"get k\r\n", value(b"k", b"both"))
        await only_o.ask(b"get k\r\n", value(b"k", b"both"))
        await only_m.ask(b"delete k\r\n", b"DELETED\r\n")
        await client.ask(b"get k\r\n", value(b"k", b"both"))
        await client.ask(b"get k nothing k\r\n", value(b"k", b"both")[:-5] + value(b"k", b"both"))
        await client.ask(b"delete k\r\n", b"NOT_FOUND\r\n")  # of one replica: the worst reply
        await only_o.ask(b"get k\r\n", MISS)


async def test_a_dead_server_costs_no_request_and_its_failovers_are_counted(proxy_of):
    async with proxy_of({"type": "FailoverRoute", "children": ["PoolRoute|X", "PoolRoute|M"]}) as (client, proxy):
        await flush(client)
        for key in KEYS:
            await client.ask(store(key, key), STORED)
        await client.ask(b"get %b\r\n" % b" ".join(KEYS), b"".join(value(key, key)[:-5] for key in KEYS) + MISS)
        seen = counts(proxy)
        assert seen["all"] == seen["inorder_policy"] == seen["policy_tko_error"] == 40
        assert "all_failed" not in seen


async def test_when_all_are_dead_the_last_error_is_told(proxy_of):
    async with proxy_of({"type": "FailoverRoute", "children": ["PoolRoute|X", "Pool|X"]}) as (client, proxy):
        client.send(b"get k\r\n")
        assert (await client.line()).startswith(b"SERVER_ERROR ")
        assert counts(proxy)["all_failed"] == 1


@pytest.mark.parametrize(
    "policy",
    [
        {"type": "DeterministicOrderPolicy", "max_tries": 4, "max_error_tries": 4},
        {"type": "RendezvousPolicy", "tags": ["x", "m", "o"]},
    ],
)
async def test_a_salted_failover_spreads_the_keys_of_a_dead_server(proxy_of, addresses, policy):
    route = {"type": "SaltedFailoverRoute", "pool": "XMO", "failover_policy": policy}
    async with proxy_of(route) as (client, proxy), proxy_of("PoolRoute|M") as (only_m, _):
        await flush(client)
        for number in range(60):
            await client.ask(store(b"s%d" % number, b"1"), STORED)
        for number in range(60):
            await client.ask(b"get s%d\r\n" % number, value(b"s%d" % number, b"1"))
        by_name = {d.name: sum(d.results[:8]) for d in proxy.service.routing.destinations}
        assert by_name[addresses["X"]] == 0
        assert min(by_name[addresses["M"]], by_name[addresses["O"]]) > 30
        assert counts(proxy)["all"] > 10
        await flush(only_m)


async def test_what_a_failover_stores_is_forgotten_soon(addresses):
    gutter = MockUpstream(lambda line, text: b"STORED\r\n")
    async with gutter:
        pools = {"A": {"servers": [addresses["X"]]}, "G": {"servers": [gutter.address]}}
        route = {
            "type": "FailoverWithExptimeRoute",
            "normal": "PoolRoute|A",
            "failover": "PoolRoute|G",
            "failover_exptime": 10,
        }
        async with running_proxy("--config", json.dumps({"pools": pools, "route": route})) as proxy:
            client = await proxy.connect()
            for exptime in (0, 600, 5):
                await client.ask(store(b"k", b"x", exptime), STORED)
            assert gutter.lines == [b"set k 0 10 1", b"set k 0 10 1", b"set k 0 5 1"]


async def test_prefixes_at_the_top_and_hash_stops(proxy_of):
    route = {
        "type": "PrefixSelectorRoute",
        "policies": {
            "img:": "PoolRoute|O",
            "tmp:": "DevNullRoute",
            "off:": {"type": "ErrorRoute", "response": "closed", "result": "mc_res_busy"},
        },
        "wildcard": {"type": "HashStopAllowListRoute", "target": "PoolRoute|M", "prefixes": ["u:"]},
    }
    async with proxy_of(route) as (client, proxy), proxy_of("PoolRoute|O") as (only_o, _):
        await flush(client)
        await client.ask(
            store(b"img:1", b"o") + store(b"a", b"m") + store(b"tmp:1", b"-"), STORED * 2 + b"NOT_STORED\r\n"
        )
        await only_o.ask(b"get a img:1\r\n", value(b"img:1", b"o"))
        await client.ask(b"get off:1\r\n", b"SERVER_ERROR closed\r\n")
        await client.ask(b"get u:|#|1\r\n", MISS)
        await client.ask(b"get v:|#|1\r\n", b"SERVER_ERROR Hash stop not permited\r\n")
        proxy.publish_now()
        assert Stats.totals_of(proxy._stats.counters)["dev_null_requests"] == 1


async def test_broadcast_by_wildcard_prefix(addresses):
    pools = {"M": {"servers": [addresses["M"]]}, "O": {"servers": [addresses["O"]]}}
    routes = {"/a/m/": "PoolRoute|M", "/a/o/": "PoolRoute|O"}
    config = json.dumps({"pools": pools, "routes": routes})
    async with running_proxy("--config", config, "--route-prefix", "/a/m/", "--enable-flush-cmd") as proxy:
        client = await proxy.connect()
        await flush(client)
        await client.ask(store(b"/*/*/k", b"all"), STORED)
        await client.ask(b"get k\r\n", value(b"k", b"all"))
        await client.ask(b"get /a/m/k\r\n", value(b"/a/m/k", b"all"))
        await client.ask(store(b"/a/o/only", b"o"), STORED)
        await client.ask(b"get /a/o/k\r\n", value(b"/a/o/k", b"all"))
        await client.ask(b"get only /a/o/only /x/y/z\r\n", b"SERVER_ERROR RootRoute: No rh found\r\n")
        await client.ask(b"get only /a/o/only\r\n", value(b"/a/o/only", b"o"))
