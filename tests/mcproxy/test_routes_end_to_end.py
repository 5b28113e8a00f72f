"""Routes that copy, move and cut items, over real servers: the original's and ours, in either place."""

import time

import pytest

from tests.support.mock_upstream import SILENCE, MockUpstream

MIXED = pytest.mark.parametrize("first, second", [("memcached", "ours"), ("ours", "memcached")])
STORED = b"STORED\r\n"
MISS = b"END\r\n"


def value(text, key=b"k", flags=0):
    return b"VALUE %b %d %d\r\n%b\r\nEND\r\n" % (key, flags, len(text), text)


@MIXED
@pytest.mark.parametrize("copying", [{"exptime": 600}, {"enable_metaget": True}])
async def test_warm_up(fleet, first, second, copying):
    route = fleet([first, second], "WarmUpRoute", cold="PoolRoute|A", warm="PoolRoute|B", **copying)
    async with route as (client, (cold, warm), _):
        await warm.ask(b"set k 7 500 5\r\nhello\r\n")
        await client.ask(b"get k\r\n", value(b"hello", flags=7))
        await cold.seen(b"get k\r\n", value(b"hello", flags=7))
        ttl = int((await cold.ask(b"mg k t\r\n")).split(b" t")[1])
        assert ttl in (range(590, 601) if "exptime" in copying else range(490, 501))
        await client.ask(b"get none\r\n", MISS)
        await client.ask(b"set k 0 0 1\r\nx\r\n", STORED)
        assert await warm.ask(b"get k\r\n") == value(b"hello", flags=7)
        await client.ask(b"get k\r\n", value(b"x"))


@MIXED
async def test_gets_and_cas_while_warming_up(fleet, first, second):
    route = fleet([first, second], "WarmUpRoute", cold="PoolRoute|A", warm="PoolRoute|B", enable_metaget=True)
    async with route as (client, (cold, warm), _):
        await warm.ask(b"set k 0 0 3\r\nold\r\n")
        client.send(b"gets k\r\n")
        unique = (await client.line()).split()[4]
        await client.expect(b"old\r\nEND\r\n")
        await client.ask(b"cas k 0 0 3 %b\r\nnew\r\n" % unique, STORED)
        await client.ask(b"cas k 0 0 3 %b\r\nbad\r\n" % unique, b"EXISTS\r\n")
        assert await cold.ask(b"get k\r\n") == value(b"new")
        assert await warm.ask(b"get k\r\n") == value(b"old")


async def test_warm_serves_while_cold_is_away(fleet):
    with_dead = {"cold": {"type": "PoolRoute", "pool": {"servers": ["127.0.0.1:1"]}}, "warm": "PoolRoute|A"}
    async with fleet(["ours"], "WarmUpRoute", **with_dead, exptime=60) as (client, (warm,), _):
        await warm.ask(b"set k 0 0 1\r\nv\r\n")
        for _ in range(3):
            await client.ask(b"get k\r\n", value(b"v"))


@MIXED
@pytest.mark.parametrize(("began_s_ago", "moved"), [(-1000, range(1)), (900, range(40, 60)), (2000, range(100, 101))])
async def test_migrate(fleet, first, second, began_s_ago, moved):
    """500 s pass between two keys' moves at most; the test's own seconds do not matter."""
    fields = {"from": "PoolRoute|A", "to": "PoolRoute|B", "start_time": int(time.time()) - began_s_ago, "interval": 600}
    keys = [b"key:%d" % number for number in range(100)]
    async with fleet([first, second], "MigrateRoute", **fields) as (client, (old, new), _):
        for key in keys:
            await client.ask(b"set %b 0 0 1\r\nv\r\n" % key, STORED)
        places = [(await old.ask(b"get %b\r\n" % key), await new.ask(b"get %b\r\n" % key)) for key in keys]
        assert all(sorted(place) == [MISS, value(b"v", key)] for place, key in zip(places, keys, strict=True))
        assert sum(place[1] != MISS for place in places) in moved
        await client.ask(b"get %b\r\n" % b" ".join(keys), b"".join(value(b"v", key)[:-5] for key in keys) + MISS)
        both = 0 <= began_s_ago < 1200
        for server in (old, new):
            await server.ask(b"set key:0 0 0 1\r\nv\r\n")
        await client.ask(b"delete key:0\r\n", b"DELETED\r\n")
        left = [await server.ask(b"get key:0\r\n") for server in (old, new)]
        assert left.count(MISS) == (2 if both else 1)


@MIXED
async def test_shadows_get_what_the_pool_gets_and_nobody_waits_for_them(fleet, first, second):
    shadow = {"target": "PoolRoute|B", "index_range": [0, 1], "key_fraction_range": [0, 1]}
    async with fleet([first, second], "PoolRoute", pool="A", shadows=[shadow]) as (client, (normal, other), _):
        await client.ask(b"set k 3 0 5\r\nhello\r\n", STORED)
        await other.seen(b"get k\r\n", value(b"hello", flags=3))
        assert await normal.ask(b"get k\r\n") == value(b"hello", flags=3)
        await other.ask(b"set only 0 0 1\r\nx\r\n")
        await client.ask(b"get only k\r\n", value(b"hello", flags=3))
        await client.ask(b"incr n 1\r\ndelete k\r\n", b"NOT_FOUND\r\nDELETED\r\n")
        await other.seen(b"get k\r\n", MISS)


async def test_a_shadow_that_is_away_or_silent_costs_clients_nothing(fleet):
    every = {"index_range": [0, 1], "key_fraction_range": [0, 1]}
    options = "--target-max-shadow-requests", "10", "-t", "5000"
    async with MockUpstream(lambda line, value: SILENCE) as silent:
        pools = [{"servers": [address]} for address in ("127.0.0.1:1", silent.address)]
        shadows = [{"target": {"type": "PoolRoute", "pool": pool}, **every} for pool in pools]
        async with fleet(["ours"], "PoolRoute", *options, pool="A", shadows=shadows) as (client, _, proxy):
            await client.ask(b"set k 0 0 1\r\nv\r\n", STORED)
            began = time.monotonic()
            for _ in range(50):
                await client.ask(b"get k\r\n", value(b"v"))
            assert time.monotonic() - began < 4
            assert proxy._stats.route_counters["background_dropped"] >= 30
            assert len(silent.lines) <= 10


@MIXED
@pytest.mark.parametrize("size", [99_999, 100_000, 100_001, 3_000_000])
async def test_big_values(fleet, first, second, size):
    """Three megabytes are more than either server takes as one item."""
    config = {"type": "HashRoute", "children": ["PoolRoute|A", "PoolRoute|B"]}
    options = "--big-value-split-threshold", "100000", "--big-value-hide-reply-flag"
    big = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with fleet([first, second], config, *options) as (client, servers, _):
        before = [await total_items(server) for server in servers]
        await client.ask(b"set k 9 0 %d\r\n%b\r\n" % (size, big), STORED)
        stored = sum([await total_items(server) for server in servers]) - sum(before)
        assert stored == 1 + (-(-size // 100_000) if size > 100_000 else 0)
        await client.ask(b"get k\r\n", value(big, flags=9))
        await client.ask(b"get k none k\r\n", (value(big, flags=9)[:-5]) * 2 + MISS)
        client.send(b"gets k\r\n")
        unique = (await client.line()).split()[4]
        await client.expect(big + b"\r\nEND\r\n")
        await client.ask(b"cas k 0 0 2 %b\r\nhi\r\n" % unique, STORED)
        await client.ask(b"get k\r\n", value(b"hi"))


@MIXED
async def test_pipelined_requests_around_a_big_value_keep_their_order(fleet, first, second):
    config = {"type": "HashRoute", "children": ["PoolRoute|A", "PoolRoute|B"]}
    async with fleet([first, second], config, "--big-value-split-threshold", "1000") as (client, _, _):
        big = b"set k 0 0 9000\r\n%b\r\n" % (b"x" * 9000)
        client.send(big + b"get k\r\nset k 0 0 1\r\ny\r\nget k\r\n" + big + b"delete k\r\nget k\r\n")
        await client.expect(STORED + value(b"x" * 9000, flags=0x8000) + STORED + value(b"y"))
        await client.expect(STORED + b"DELETED\r\n" + MISS)


async def test_a_big_value_without_one_of_its_chunks_is_a_miss(fleet):
    options = "--big-value-split-threshold", "10"
    async with fleet(["ours"], "PoolRoute|A", *options) as (client, (server,), _):
        await client.ask(b"set k 0 0 25\r\n%b\r\n" % (b"x" * 25), STORED)
        suffix = (await server.ask(b"get k\r\n")).split(b"\r\n")[1].split(b"-")[2]
        assert await server.ask(b"delete k:1:%b\r\n" % suffix) == b"DELETED\r\n"
        await client.ask(b"get k\r\n", MISS)


@MIXED
async def test_staging_is_filled_behind_the_warm_cache(fleet, first, second):
    route = fleet([first, second], "StagingRoute", warm="PoolRoute|A", staging="PoolRoute|B")
    async with route as (client, (warm, staging), _):
        await warm.ask(b"set k 4 300 1\r\nv\r\n")
        await client.ask(b"get k\r\n", value(b"v", flags=4))
        await staging.seen(b"get k\r\n", value(b"v", flags=4))
        assert int((await staging.ask(b"mg k t\r\n")).split(b" t")[1]) in range(290, 301)
        await client.ask(b"set k 0 0 1\r\nw\r\n", STORED)
        await staging.seen(b"get k\r\n", value(b"w"))
        await client.ask(b"delete k\r\n", b"DELETED\r\n")
        assert await staging.ask(b"get k\r\n") == MISS


@MIXED
async def test_two_levels(fleet, first, second):
    route = fleet([first, second], "L1L2CacheRoute", l1="PoolRoute|A", l2="PoolRoute|B", upgradingL1Exptime=60)
    async with route as (client, (near, far), _):
        await far.ask(b"set k 4 0 1\r\nv\r\n")
        await client.ask(b"get k\r\n", value(b"v", flags=4))
        await near.seen(b"get k\r\n", value(b"v", flags=4))


@MIXED
async def test_large_values_in_the_second_level(fleet, first, second):
    fields = {"l1": "PoolRoute|A", "l2": "PoolRoute|B", "threshold": 10}
    async with fleet([first, second], "L1L2SizeSplitRoute", **fields) as (client, (near, far), _):
        await client.ask(b"set k 4 0 10\r\n0123456789\r\n", STORED)
        await client.ask(b"get k\r\n", value(b"0123456789", flags=4))
        assert await near.ask(b"get k\r\n") == value(b"", flags=4 | 0x20)
        await far.ask(b"delete k\r\n")
        await client.ask(b"gets k\r\n", MISS)
        assert await near.ask(b"get k\r\n") == MISS


async def total_items(server):
    """Stored since the server's start."""
    server.writer.write(b"stats\r\n")
    text = await server.reader.readuntil(b"END\r\n")
    return int(text.split(b"STAT total_items ")[1].split(b"\r\n")[0])
