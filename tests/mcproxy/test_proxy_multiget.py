"""Gets of many keys through the whole proxy: lines seen by scripted servers, replies of real ones."""

import asyncio
import random
from contextlib import AsyncExitStack, ExitStack

import pytest

from mcproxy.multiget import LINE_KEYS
from mcproxy.outcome import Result
from mcproxy.stats import Stats
from tests.support.mock_upstream import CLOSE, SILENCE, MockUpstream, store_script
from tests.support.processes import memcached_command, running
from tests.support.running_proxy import running_proxy, until

KEYS = [b"key%d" % n for n in range(60)]


def upstreams(*addresses):
    return [word for address in addresses for word in ("--upstream", address)]


@pytest.fixture
async def servers():
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(MockUpstream(store_script())) for _ in range(3)]


@pytest.fixture
def memcacheds():
    with ExitStack() as stack:
        yield [stack.enter_context(running(memcached_command)).address for _ in range(3)]


def text(verb, keys):
    return b"%b %b\r\n" % (verb, b" ".join(keys))


def block(key, value=None):
    value = key if value is None else value
    return b"VALUE %b 0 %d\r\n%b\r\n" % (key, len(value), value)


async def store(client, keys):
    client.send(b"".join(b"set %b 0 0 %d\r\n%b\r\n" % (key, len(key), key) for key in keys))
    await client.expect(b"STORED\r\n" * len(keys))


async def test_each_server_sees_one_line_with_its_keys_in_order(servers):
    async with running_proxy(*upstreams(*(server.address for server in servers))) as proxy:
        client = await proxy.connect()
        await store(client, KEYS[::2])
        owners = {}
        for server in servers:
            owners |= {line.split()[1]: server for line in server.lines}
            server.lines.clear()
        await client.ask(text(b"get", KEYS), b"".join(map(block, KEYS[::2])) + b"END\r\n")
        for server in servers:
            (line,) = server.lines
            verb, *keys = line.split(b" ")
            assert verb == b"get"
            assert keys == [key for key in KEYS if key in keys]
            assert [key for key in keys if key in owners] == [key for key in KEYS if owners.get(key) is server]
        assert sum(line.count(b" ") for server in servers for line in server.lines) == len(KEYS)
        assert [server.connections for server in servers] == [1, 1, 1]
        assert proxy.proxy.service.commands[:5] == [60, 0, 0, 0, 30]
        proxy.proxy.publish_now()
        totals = Stats.totals_of(proxy.proxy._stats.counters)
        assert totals["request_sent_count"] == 90
        found = [server.results[Result.FOUND] for server in proxy.proxy.service.routing.destinations]
        assert sum(found) == 30


async def test_one_server_that_fails_is_the_whole_reply_and_its_connection_only(servers):
    async with running_proxy(*upstreams(*(server.address for server in servers))) as proxy:
        client = await proxy.connect()
        servers[1].script = lambda line, value: b"VALUE x 0 1\r\nx\r\nSERVER_ERROR out of memory\r\n"
        await client.ask(text(b"get", KEYS) + b"version\r\n", b"SERVER_ERROR out of memory\r\nVERSION mcrouter\r\n")
        servers[1].script = lambda line, value: block(b"x") + b"END\r\n"
        await client.ask(text(b"get", KEYS), b"SERVER_ERROR Connection closed by the server.\r\n")
        servers[1].script = store_script()
        await until(lambda: all(server.state == "up" for server in proxy.proxy.service.routing.destinations))
        servers[1].script = lambda line, value: CLOSE
        await client.ask(text(b"get", KEYS), b"SERVER_ERROR Connection closed by the server.\r\n")
        assert [server.connections for server in servers][::2] == [1, 1]


async def test_a_late_reply_to_a_line_is_dropped(servers):
    gate = asyncio.Event()

    async def slow(line, value):
        if line.count(b" ") > 1:
            await gate.wait()
        return b"".join(map(block, line.split()[1:])) + b"END\r\n"

    words = upstreams(*(server.address for server in servers))
    async with running_proxy(*words, "-t", "150", "--timeouts-until-tko", "2") as proxy:
        client = await proxy.connect()
        servers[0].script = slow
        await client.ask(text(b"get", KEYS), b"SERVER_ERROR Reply timeout\r\n")
        # one line is one timeout, however many keys: the server is not out
        own = servers[0].lines[0].split()[1]
        client.send(text(b"get", [own]))
        (slow_one,) = [each for each in proxy.proxy.service.routing.destinations if each.inflight_count]
        await until(lambda: slow_one.inflight_count == 2)
        gate.set()
        await client.expect(block(own) + b"END\r\n")
        assert servers[0].connections == 1
        assert slow_one.results[Result.TIMEOUT] == servers[0].lines[0].count(b" ")


async def test_a_server_that_is_silent_holds_up_no_other(servers):
    words = upstreams(*(server.address for server in servers))
    async with running_proxy(*words, "-t", "5000") as proxy:
        waiting, other = await proxy.connect(), await proxy.connect()
        servers[0].script = lambda line, value: SILENCE
        waiting.send(text(b"get", KEYS))
        await servers[0].wait_for_lines(1)
        await servers[2].wait_for_lines(1)
        theirs = servers[2].lines[0].split()[1:]
        await other.ask(text(b"get", theirs), b"END\r\n")


async def test_under_failover_keys_share_lines_and_fail_over_alone(servers):
    first, second, _ = servers
    config = (
        f'{{"pools": {{"A": {{"servers": ["{first.address}"]}}, "B": {{"servers": ["{second.address}"]}}}},'
        ' "route": {"type": "FailoverRoute", "children": ["PoolRoute|A", "PoolRoute|B"]}}'
    )
    first.script = lambda line, value: b"SERVER_ERROR 307 busy\r\n" if b" key7 " in line else b"END\r\n"
    second.script = lambda line, value: (block(b"key7") if line == b"get key7" else b"") + b"END\r\n"
    async with running_proxy("--config", config) as proxy:
        client = await proxy.connect()
        await client.ask(text(b"get", KEYS), block(b"key7") + b"END\r\n")
        await client.ask(text(b"get", KEYS[8:]), b"END\r\n")
    assert first.lines == [text(b"get", KEYS)[:-2], text(b"get", KEYS[8:])[:-2]]
    assert second.lines == [b"get %b" % key for key in KEYS]


async def test_prefixed_keys_share_lines_and_keep_their_names(servers):
    first, second, _ = servers
    config = (
        f'{{"pools": {{"A": {{"servers": ["{first.address}"]}}, "B": {{"servers": ["{second.address}"]}}}},'
        ' "routes": {"/a/a/": "PoolRoute|A", "/././": "PoolRoute|B"}}'
    )
    first.script = second.script = lambda line, value: b"".join(map(block, line.split()[1:])) + b"END\r\n"
    asked = [(b"/a/a/" if n % 3 else b"") + key for n, key in enumerate(KEYS)]
    async with running_proxy("--config", config) as proxy:
        client = await proxy.connect()
        expected = b"".join(block(name, key) for name, key in zip(asked, KEYS, strict=True))
        await client.ask(text(b"get", asked), expected + b"END\r\n")
        assert first.lines == [text(b"get", [key for n, key in enumerate(KEYS) if n % 3])[:-2]]
        assert second.lines == [text(b"get", KEYS[::3])[:-2]]
        await client.ask(text(b"get", [b"/no/no/x", *asked]), b"SERVER_ERROR RootRoute: No rh found\r\n")


async def test_values_that_look_like_replies_through_cut_segments(servers):
    values = [b"END\r\n", b"VALUE key1 0 1\r\nx\r\nEND\r\n", b"\r\nEND\r\n" * 100, b"x" * 200_000, b""]

    def script(line, value):
        keys = line.split()[1:]
        return b"".join(block(key, values[int(key[3:]) % 5]) for key in keys) + b"END\r\n"

    for server in servers:
        server.script = script
    async with running_proxy(*upstreams(*(server.address for server in servers))) as proxy:
        client = await proxy.connect()
        expected = b"".join(block(key, values[n % 5]) for n, key in enumerate(KEYS))
        await client.ask(text(b"get", KEYS) * 2, (expected + b"END\r\n") * 2)


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 50, LINE_KEYS * 3 + 1, 1000, 10_000])
async def test_real_servers_answer_as_one(memcacheds, count):
    rng = random.Random(count)
    keys = [b"k:%d:%b" % (n, b"x" * rng.randrange(20)) for n in range(count)]
    async with running_proxy(*upstreams(*(f"{host}:{port}" for host, port in memcacheds))) as proxy:
        client = await proxy.connect()
        stored = [key for key in keys if rng.random() < 0.7]
        await store(client, stored)
        there = set(stored)
        asked = rng.sample(keys, count) + rng.choices(keys, k=count // 4)
        expected = b"".join(block(key) for key in asked if key in there) + b"END\r\n"
        await client.ask(text(b"get", asked), expected)
        await client.ask(text(b"gat 60", asked), expected)
        client.send(text(b"gets", asked))
        for key in asked:
            if key in there:
                line = await client.line()
                assert line.startswith(b"VALUE %b 0 %d " % (key, len(key)))
                assert line.split()[4].isdigit()
                await client.expect(key + b"\r\n")
        await client.expect(b"END\r\n")


async def test_keys_that_real_servers_do_not_take_as_they_are(memcacheds):
    """memcached ends a line at a NUL, so such a key is refused. The connection that all share stays in step."""
    host, port = memcacheds[0]
    async with running_proxy("--upstream", f"{host}:{port}") as proxy:
        client = await proxy.connect()
        await store(client, KEYS)
        odd = [b"key3\x01", b"\xff\xfe", b"key4\t", b"\x7f", b"noreply", b"VALUE"]
        nul = text(b"get", [b"key1\x00key2", *KEYS])
        client.send(nul + text(b"get", [*odd, *KEYS]) + b"version\r\n")
        reply = b""
        while not reply.endswith(b"VERSION mcrouter\r\n"):
            reply += await asyncio.wait_for(client.reader.read(65536), 5)
        assert reply.startswith(b"CLIENT_ERROR bad key\r\nVALUE ")
        assert reply.endswith(b"".join(map(block, KEYS)) + b"END\r\nVERSION mcrouter\r\n")
        assert proxy.proxy.service.routing.destinations[0].state == "up"
