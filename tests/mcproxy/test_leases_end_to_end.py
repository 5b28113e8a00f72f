"""mcrouter's leases over real servers, the original's and ours: `mg … N` and `ms … C` behind the proxy."""

import time

import pytest

KINDS = pytest.mark.parametrize("kind", ["memcached", "ours"])
MIXED = pytest.mark.parametrize("first, second", [("memcached", "ours"), ("ours", "memcached")])
HOT_MISS = b"LVALUE k 1 0 0\r\n\r\nEND\r\n"


async def lease(client, key=b"k"):
    """The token of a miss."""
    client.send(b"lease-get %b\r\n" % key)
    word, name, token, *rest = (await client.line()).split()
    assert (word, name, rest) == (b"LVALUE", key, [b"0", b"0"])
    await client.expect(b"\r\nEND\r\n")
    return int(token)


def lease_set(token, value, key=b"k", flags=0, exptime=0):
    return b"lease-set %b %d %d %d %d\r\n%b\r\n" % (key, token, flags, exptime, len(value), value)


@KINDS
async def test_one_client_has_the_lease_and_the_others_wait_for_it(fleet, kind):
    async with fleet([kind], "PoolRoute|A") as (client, (server,), _):
        token = await lease(client)
        assert token > 1
        await client.ask(b"lease-get k\r\n", HOT_MISS)
        ttl = int((await server.ask(b"mg k t u\r\n")).split()[1][1:])
        assert ttl in range(1, 11)
        await client.ask(lease_set(token + 1, b"bad"), b"NOT_STORED\r\n")
        await client.ask(lease_set(token, b"made", flags=7, exptime=100), b"STORED\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 7 4\r\nmade\r\nEND\r\n")
        assert await server.ask(b"get k\r\n") == b"VALUE k 7 4\r\nmade\r\nEND\r\n"
        await client.ask(lease_set(token, b"late"), b"NOT_STORED\r\n")


@KINDS
@pytest.mark.parametrize("between", [b"delete k\r\n", b"set k 0 0 3\r\nnew\r\n", b"flush_all\r\n"])
async def test_what_ends_a_lease(fleet, kind, between):
    async with fleet([kind], "PoolRoute|A") as (client, (server,), _):
        token = await lease(client)
        await server.ask(between)
        await client.ask(lease_set(token, b"stale"), b"NOT_STORED\r\n")
        assert await server.ask(b"get k\r\n") == (
            b"VALUE k 0 3\r\nnew\r\nEND\r\n" if between.startswith(b"set") else b"END\r\n"
        )


@KINDS
async def test_tokens_without_a_lease_store_nothing(fleet, kind):
    async with fleet([kind], "PoolRoute|A") as (client, (server,), _):
        for key, there in ((b"none", b"END\r\n"), (b"k", b"VALUE k 0 1\r\nx\r\nEND\r\n")):
            if key == b"k":
                await server.ask(b"set k 0 0 1\r\nx\r\n")
            for token in (0, 1, 2, 2**64 - 1):
                await client.ask(lease_set(token, b"bad", key), b"NOT_STORED\r\n")
            assert await server.ask(b"get %b\r\n" % key) == there


@KINDS
async def test_several_keys_and_those_that_wait(fleet, kind):
    async with fleet([kind], "PoolRoute|A") as (client, (server,), _):
        await server.ask(b"set hit 3 0 1\r\nv\r\n")
        await lease(client, b"hot")
        client.send(b"lease-get hit hot cold hit\r\nget hit\r\n")
        await client.expect(b"VALUE hit 3 1\r\nv\r\nLVALUE hot 1 0 0\r\n\r\n")
        assert (await client.line()).startswith(b"LVALUE cold ")
        await client.expect(b"\r\nVALUE hit 3 1\r\nv\r\nEND\r\nVALUE hit 3 1\r\nv\r\nEND\r\n")
        client.send(b"lease-get %b\r\n" % b" ".join(b"k%d" % number for number in range(500)))
        for number in range(500):
            assert (await client.line()).startswith(b"LVALUE k%d " % number)
            await client.expect(b"\r\n")
        await client.expect(b"END\r\n")


@KINDS
async def test_a_stale_value_comes_with_the_lease(fleet, kind):
    async with fleet([kind], "PoolRoute|A") as (client, (server,), _):
        await server.ask(b"set k 3 0 3\r\nold\r\n")
        await server.ask(b"md k I T30\r\n")
        client.send(b"lease-get k\r\n")
        word, _, token, *rest = (await client.line()).split()
        assert (word, rest) == (b"LVALUE", [b"3", b"3"])
        await client.expect(b"old\r\nEND\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 3 3\r\nold\r\nEND\r\n")
        await client.ask(lease_set(int(token), b"new"), b"STORED\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 0 3\r\nnew\r\nEND\r\n")


@KINDS
async def test_prefixes_and_changed_keys(fleet, kind):
    route = {"type": "ModifyKeyRoute", "target": "PoolRoute|A", "ensure_key_prefix": "p:"}
    async with fleet([kind], route) as (client, (server,), _):
        token = await lease(client, b"/././k")
        await client.ask(b"lease-get k\r\n", HOT_MISS)
        await client.ask(lease_set(token, b"v", b"/././k"), b"STORED\r\n")
        await client.ask(b"lease-get k /././k\r\n", b"VALUE k 0 1\r\nv\r\nVALUE /././k 0 1\r\nv\r\nEND\r\n")
        assert await server.ask(b"get p:k\r\n") == b"VALUE p:k 0 1\r\nv\r\nEND\r\n"


@KINDS
async def test_metaget(fleet, kind):
    async with fleet([kind], "PoolRoute|A") as (client, (server,), _):
        await server.ask(b"set k 0 2000000000 1\r\nv\r\n")
        await server.ask(b"set j 0 0 1\r\nv\r\n")
        client.send(b"metaget k none j\r\n")
        word, name, *words = (await client.line()).split()
        assert (word, name, words[:2], words[3:]) == (b"META", b"k", [b"age:", b"unknown;"], words[3:])
        assert words[3:] in ([b"%d;" % (2_000_000_000 + off), b"from:", b"unknown"] for off in (-1, 0, 1))
        await client.expect(b"META j age: unknown; exptime: 0; from: unknown\r\nEND\r\n")
        assert b" h0" in await server.ask(b"mg k h\r\n")  # it was not used


@MIXED
async def test_a_lease_set_comes_back_to_the_server_that_gave_the_lease(fleet, first, second):
    away = {"type": "PoolRoute", "pool": {"servers": ["127.0.0.1:1"]}}
    pairing = {"children": [away, "PoolRoute|B", "PoolRoute|A"], "enable_lease_pairing": True, "name": "pair"}
    async with fleet([first, second], "FailoverRoute", **pairing) as (client, (other, server), _):
        token = await lease(client)
        await client.ask(lease_set(token, b"v"), b"STORED\r\n")
        assert await server.ask(b"get k\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"
        assert await other.ask(b"get k\r\n") == b"END\r\n"


@MIXED
async def test_a_cold_cache_is_filled_under_its_lease(fleet, first, second):
    fields = {"cold": "PoolRoute|A", "warm": "PoolRoute|B", "enable_metaget": True}
    async with fleet([first, second], "WarmUpRoute", **fields) as (client, (cold, warm), _):
        await warm.ask(b"set k 7 500 5\r\nhello\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 7 5\r\nhello\r\nEND\r\n")
        await cold.seen(b"get k\r\n", b"VALUE k 7 5\r\nhello\r\nEND\r\n")
        assert int((await cold.ask(b"mg k t\r\n")).split(b" t")[1]) in range(490, 501)
        token = await lease(client, b"none")
        await client.ask(lease_set(token, b"v", b"none"), b"STORED\r\n")


@MIXED
async def test_the_shadow_is_filled_under_its_own_lease(fleet, first, second):
    shadow = {"target": "PoolRoute|B", "index_range": [0, 1], "key_fraction_range": [0, 1]}
    async with fleet([first, second], "PoolRoute", pool="A", shadows=[shadow]) as (client, (normal, other), _):
        for _ in range(3):
            await other.ask(b"set more 0 0 1\r\nx\r\n")  # so that the two give different tokens
        token = await lease(client)
        await other.seen(b"mg k v\r\n", b"VA 0 Z\r\n")
        await client.ask(lease_set(token, b"v"), b"STORED\r\n")
        await other.seen(b"get k\r\n", b"VALUE k 0 1\r\nv\r\nEND\r\n")
        assert await normal.ask(b"get k\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"


@MIXED
async def test_large_leased_values_in_the_second_level(fleet, first, second):
    fields = {"l1": "PoolRoute|A", "l2": "PoolRoute|B", "threshold": 10}
    async with fleet([first, second], "L1L2SizeSplitRoute", **fields) as (client, (near, far), _):
        await client.ask(lease_set(await lease(client), b"0123456789", flags=4), b"STORED\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 4 10\r\n0123456789\r\nEND\r\n")
        number = (await near.ask(b"get k\r\n")).split(b"\r\n")[1]
        assert number.isdigit()
        assert await far.ask(b"delete k|==|%b\r\n" % number) == b"DELETED\r\n"
        assert await lease(client) > 1


@MIXED
async def test_big_leased_values(fleet, first, second):
    config = {"type": "HashRoute", "children": ["PoolRoute|A", "PoolRoute|B"]}
    big = bytes(range(256)) * 1000
    async with fleet([first, second], config, "--big-value-split-threshold", "100000") as (client, servers, _):
        await client.ask(lease_set(await lease(client), big), b"STORED\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k %d %d\r\n%b\r\nEND\r\n" % (0x8000, len(big), big))
        directories = [await server.ask(b"get k\r\n") for server in servers]
        suffix = max(directories, key=len).split(b"\r\n")[1].split(b"-")[2]
        gone = [await server.ask(b"delete k:1:%b\r\n" % suffix) for server in servers]
        assert gone.count(b"DELETED\r\n") == 1
        await client.ask(lease_set(await lease(client), b"small"), b"STORED\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 0 5\r\nsmall\r\nEND\r\n")


@MIXED
async def test_staging_gets_what_is_stored_under_warms_lease(fleet, first, second):
    route = fleet([first, second], "StagingRoute", warm="PoolRoute|A", staging="PoolRoute|B")
    async with route as (client, (_warm, staging), _):
        await client.ask(lease_set(await lease(client), b"v", flags=4), b"STORED\r\n")
        await staging.seen(b"get k\r\n", b"VALUE k 4 1\r\nv\r\nEND\r\n")


@MIXED
async def test_a_lease_of_before_a_keys_move_is_ended(fleet, first, second):
    fields = {"from": "PoolRoute|A", "to": "PoolRoute|B", "start_time": int(time.time()) - 1, "interval": 1}
    async with fleet([first, second], "MigrateRoute", **fields) as (client, (old, new), _):
        given = await old.ask(b"mg k c N10\r\n")
        assert given.endswith(b" W\r\n")
        token = int(given.split()[1][1:]) + 1
        await client.ask(lease_set(token, b"v"), b"NOT_STORED\r\n")
        await old.seen(b"get k\r\n", b"END\r\n")
        await client.ask(lease_set(await lease(client), b"v"), b"STORED\r\n")
        assert await new.ask(b"get k\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"


@KINDS
@pytest.mark.parametrize("first_hit", [True, False])
async def test_one_copy_of_a_split_key_is_leased(fleet, kind, first_hit):
    fields = {"destination": "PoolRoute|A", "replicas": 3, "all_sync": False, "first_hit": first_hit}
    async with fleet([kind], "KeySplitRoute", **fields) as (client, (server,), _):
        await client.ask(lease_set(await lease(client), b"v"), b"STORED\r\n")
        await client.ask(b"lease-get k\r\n", b"VALUE k 0 1\r\nv\r\nEND\r\n")
        copies = [await server.ask(b"get %b\r\n" % name) for name in (b"k", b"k::1", b"k::2")]
        assert copies.count(b"END\r\n") == 2


@MIXED
async def test_leases_by_operation(fleet, first, second):
    policies = {"lease-get": "PoolRoute|B", "lease-set": "PoolRoute|B"}
    fields = {"default_policy": "PoolRoute|A", "operation_policies": policies}
    async with fleet([first, second], "OperationSelectorRoute", **fields) as (client, (_others, leases), _):
        await client.ask(lease_set(await lease(client), b"v"), b"STORED\r\n")
        await client.ask(b"get k\r\n", b"END\r\n")
        assert await leases.ask(b"get k\r\n") == b"VALUE k 0 1\r\nv\r\nEND\r\n"


@MIXED
async def test_a_near_cache_does_not_stand_between_a_client_and_its_lease(fleet, first, second):
    fields = {"l1": "PoolRoute|A", "l2": "PoolRoute|B", "upgradingL1Exptime": 60, "ncacheUpdatePeriod": 5}
    async with fleet([first, second], "L1L2CacheRoute", **fields) as (client, (near, far), _):
        await client.ask(b"get absent\r\n", b"END\r\n")
        await near.seen(b"get absent\r\n", b"VALUE absent 65536 6\r\nncache\r\nEND\r\n")
        await client.ask(b"lease-get absent\r\n", b"LVALUE absent 0 0 0\r\n\r\nEND\r\n")
        await client.ask(lease_set(await lease(client), b"v"), b"STORED\r\n")
        assert await far.ask(b"get k\r\n") == b"END\r\n"


async def test_a_miss_that_no_server_gives(fleet):
    async with fleet(["ours"], "NullRoute") as (client, _, _):
        await client.ask(b"lease-get a b\r\n", b"LVALUE a 0 0 0\r\n\r\nLVALUE b 0 0 0\r\n\r\nEND\r\n")
        await client.ask(lease_set(5, b"v") + b"metaget a\r\n", b"NOT_STORED\r\nEND\r\n")
