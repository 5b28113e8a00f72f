"""--on-unavailable: a miss, or the next server, while a server is away; with scripted members and real processes."""

import asyncio

import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op, Request
from mcproxy.routes.unavailable import MissWhenAway, NextWhenAway
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until
from tests.support.scripted_route import Replies, ScriptedRoute, ask

AWAY = [
    Result.TKO,
    Result.TIMEOUT,
    Result.CONNECT_ERROR,
    Result.CONNECT_TIMEOUT,
    Result.REMOTE_ERROR,
    Result.BUSY,
    Result.SHUTDOWN,
    Result.TRY_AGAIN,
    Result.LOCAL_ERROR,
]
OTHER = [Result.FOUND, Result.NOTFOUND, Result.CLIENT_ERROR, Result.BAD_KEY]


@pytest.mark.parametrize("result", AWAY)
def test_a_get_is_a_miss_and_the_rest_an_error(result):
    route = MissWhenAway(ScriptedRoute(result))
    for op in (Op.GET, Op.GETS, Op.GAT, Op.META_GET):
        assert ask(route, op) == (Result.NOTFOUND, b"END\r\n")
    for op in (Op.SET, Op.DELETE, Op.INCR, Op.TOUCH, Op.META_SET):
        assert ask(route, op)[0] == result


@pytest.mark.parametrize("result", OTHER)
def test_other_replies_are_what_they_were(result):
    assert ask(MissWhenAway(ScriptedRoute(result))) == ask(ScriptedRoute(result))


def addresses(*servers):
    return [word for server in servers for word in ("--upstream", server.address)]


@pytest.fixture
async def servers():
    started = [MockUpstream(store_script()) for _ in range(3)]
    for server in started:
        await server.start()
    yield started
    for server in started:
        await server.stop()


KEYS = [b"key%d" % number for number in range(60)]


def blocks(keys):
    return b"".join(b"VALUE %b 0 1\r\nx\r\n" % key for key in keys)


async def store_all(client):
    for key in KEYS:
        client.send(b"set %b 0 0 1\r\nx\r\n" % key)
    await client.expect(b"STORED\r\n" * len(KEYS))


async def take_out(server, client, proxy, key):
    """Stop the server, and have the proxy notice."""
    await server.stop()
    client.send(b"get %b\r\n" % key)
    await client.line()
    await until(lambda: any(d.tracker.is_tko for d in proxy.proxy.destinations))


async def test_misses_while_a_server_is_away_also_in_a_get_of_many_keys(servers):
    async with running_proxy(*addresses(*servers), "--on-unavailable", "miss", "-r", "60000") as proxy:
        client = await proxy.connect()
        await store_all(client)
        gone = {line.split()[1] for line in servers[1].lines}
        first = next(iter(gone))
        servers[1].script = lambda line, value: b"<close>"
        await client.ask(b"get %b\r\n" % b" ".join(KEYS), blocks(k for k in KEYS if k not in gone) + b"END\r\n")
        await servers[1].stop()
        await client.ask(b"get %b\r\n" % b" ".join(KEYS), blocks(k for k in KEYS if k not in gone) + b"END\r\n")
        await client.ask(b"get %b\r\nmg %b v\r\nmg %b v q\r\nmn\r\n" % ((first,) * 3), b"END\r\nEN\r\nMN\r\n")
        client.send(b"set %b 0 0 1\r\nx\r\n" % first)
        assert (await client.line()).startswith(b"SERVER_ERROR ")


async def test_the_next_servers_take_over_with_a_short_ttl_and_the_keys_come_home(servers):
    async with running_proxy(*addresses(*servers), "--on-unavailable", "next", "-r", "20") as proxy:
        client = await proxy.connect()
        await store_all(client)
        gone = [key for key in KEYS if any(b"set %b " % key in line for line in servers[0].lines)]
        assert gone
        await take_out(servers[0], client, proxy, gone[0])
        before = [len(server.lines) for server in servers]
        for key in gone:
            await client.ask(b"get %b\r\n" % key, b"END\r\n")
            await client.ask(b"set %b 0 0 1\r\nx\r\n" % key, b"STORED\r\n")
            await client.ask(b"set %b 0 5 1\r\nx\r\n" % key, b"STORED\r\n")
            await client.ask(b"get %b\r\n" % key, b"VALUE %b 0 1\r\nx\r\n" % key + b"END\r\n")
        new = [server.lines[count:] for server, count in zip(servers, before, strict=True)]
        assert not new[0]
        assert new[1]
        assert new[2]  # its share is spread
        stored = [line.split()[3] for line in new[1] + new[2] if line.startswith(b"set")]
        assert set(stored) == {b"10", b"5"}
        await client.ask(b"get %b\r\n" % b" ".join(KEYS), blocks(KEYS) + b"END\r\n")
        await client.ask(b"delete %b\r\nget %b\r\n" % (gone[0], gone[0]), b"DELETED\r\nEND\r\n")
        servers[0].script = store_script()
        await servers[0].start()
        await until(lambda: not any(d.tracker.is_tko for d in proxy.proxy.destinations))
        count = len(servers[0].lines)
        await client.ask(b"get %b\r\n" % gone[1], b"END\r\n")
        assert servers[0].lines[count:] == [b"get %b" % gone[1]]


async def test_with_all_others_away_the_error_is_told(servers):
    async with running_proxy(*addresses(*servers[:2]), "--on-unavailable", "next", "-r", "60000") as proxy:
        client = await proxy.connect()
        for server in servers[:2]:
            await server.stop()
        for _ in range(3):
            client.send(b"".join(b"get %b\r\n" % key for key in KEYS))
            lines = [await client.line() for _ in KEYS]
        assert all(line.startswith(b"SERVER_ERROR Server unavailable") for line in lines)


def test_the_next_is_asked_once():
    pool = ScriptedRoute(Result.TKO)
    route = NextWhenAway(pool, [ScriptedRoute(Result.FOUND)])
    replies = Replies()
    route.route(Request(Op.GET, b"k", b"get k\r\n", replies))  # scripted members are no servers
    assert [result for result, _ in replies.got] == [Result.TKO]


@pytest.mark.parametrize("how", ["miss", "next"])
async def test_keys_of_lines_may_join_other_gets(how):
    is_open = asyncio.Event()
    values = store_script()

    async def script(line, value):
        await is_open.wait()
        return values(line, value)

    keys = [b"k%d" % number for number in range(12)]
    async with (
        MockUpstream(script) as server,
        running_proxy("--upstream", server.address, "--single-flight", "--on-unavailable", how) as proxy,
    ):
        first, second, third = [await proxy.connect() for _ in range(3)]
        first.send(b"set k1 0 0 1\r\nx\r\nget %b\r\n" % b" ".join(keys[:10]))
        await until(lambda: sum(proxy.proxy.service.commands) == 11)
        second.send(b"get %b\r\n" % b" ".join(keys[:10]))
        third.send(b"get %b\r\n" % b" ".join(keys))
        await until(lambda: sum(proxy.proxy.service.commands) == 33)
        is_open.set()
        for client, before in ((first, b"STORED\r\n"), (second, b""), (third, b"")):
            await client.expect(before + b"VALUE k1 0 1\r\nx\r\nEND\r\n")
        assert len(server.lines) == 3  # all others have joined
