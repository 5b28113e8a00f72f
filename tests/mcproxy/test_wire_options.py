"""Options of connections, through the whole proxy: single-flight, limits, idle connections."""

import asyncio

import pytest

from mcdaemon.cli import parse_settings
from mcproxy.configuration import upstream_options
from mcproxy.settings import Settings
from mcproxy.upstream.destination import KeepAlive
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until


def settings(*words):
    return parse_settings(Settings, words, {}, prog="mcproxy", env_prefix="MCPROXY", description="", version_text="")


def test_what_reaches_the_servers():
    plain = upstream_options(settings())
    assert (plain.inflight_max, plain.pending_max, plain.single_flight, plain.keepalive) == (0, 100_000, False, None)
    words = "--target-max-inflight-requests 5 --target-max-pending-requests 7 --single-flight -K 3 -i 10 -I 20"
    options = upstream_options(settings(*words.split()))
    assert (options.inflight_max, options.pending_max, options.single_flight) == (5, 7, True)
    assert options.keepalive == KeepAlive(idle_s=20, interval_s=10, probes=3)


def test_several_processes_and_single_flight_only_if_stale_replies_are_allowed(capsys):
    with pytest.raises(SystemExit):
        settings("--single-flight", "--num-proxies", "2")
    assert "add --allow-stale" in capsys.readouterr().err
    assert settings("--single-flight", "--num-proxies", "2", "--allow-stale").single_flight
    assert settings("--single-flight").single_flight


def test_on_unavailable_is_one_of_three(capsys):
    assert settings().on_unavailable == "error"
    with pytest.raises(SystemExit):
        settings("--on-unavailable", "explode")


async def test_a_hot_key_is_asked_for_once_and_a_write_is_seen_by_all_later_gets():
    gate = asyncio.Event()
    store = store_script()

    async def script(line, value):
        if line == b"get hot":
            await gate.wait()
        return store(line, value)

    async with (
        MockUpstream(script) as server,
        running_proxy("--upstream", server.address, "--single-flight", "-t", "20000") as proxy,
    ):
        clients = [await proxy.connect() for _ in range(20)]
        await clients[0].ask(b"set hot 0 0 3\r\nold\r\n", b"STORED\r\n")
        for client in clients:
            client.send(b"get hot\r\n")
        await until(lambda: proxy.proxy.service.commands[0] == 20)
        clients[0].send(b"set hot 0 0 3\r\nnew\r\n")
        await until(lambda: proxy.proxy.service.commands[4] == 2)
        for client in clients[1:]:
            client.send(b"get hot\r\n")
        await until(lambda: proxy.proxy.service.commands[0] == 39)
        gate.set()
        await clients[0].expect(b"VALUE hot 0 3\r\nold\r\nEND\r\nSTORED\r\n")
        for client in clients[1:]:
            await client.expect(b"VALUE hot 0 3\r\nold\r\nEND\r\nVALUE hot 0 3\r\nnew\r\nEND\r\n")
        assert server.lines == [b"set hot 0 0 3", b"get hot", b"set hot 0 0 3", b"get hot"]
        clients[0].send(b"stats\r\n")
        lines = await clients[0].reader.readuntil(b"END\r\n")
        assert b"STAT single_flight_joined_count 37\r\n" in lines
        assert b"STAT cmd_get_count 39\r\n" in lines


async def test_idle_connections_to_servers_are_closed_and_opened_again():
    words = ("--reset-inactive-connection-interval", "60")
    async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address, *words) as proxy:
        client = await proxy.connect()
        await client.ask(b"get a\r\n", b"END\r\n")
        (destination,) = proxy.proxy.service.routing.destinations
        await until(lambda: destination.state == "closed")
        assert not destination.tracker.is_tko
        await client.ask(b"get a\r\n", b"END\r\n")
        assert server.connections == 2


async def test_requests_on_their_way_are_limited_and_the_others_wait():
    gate = asyncio.Event()

    async def script(line, value):
        await gate.wait()
        return b"END\r\n"

    words = ("--target-max-inflight-requests", "2", "--target-max-pending-requests", "3", "-t", "20000")
    async with MockUpstream(script) as server, running_proxy("--upstream", server.address, *words) as proxy:
        client = await proxy.connect()
        client.send(b"".join(b"get key%d\r\n" % number for number in range(6)))
        (destination,) = proxy.proxy.service.routing.destinations
        await until(lambda: destination.inflight_count == 2)
        assert destination.pending_count == 3
        gate.set()
        await client.expect(b"END\r\n" * 5 + b"SERVER_ERROR 307 busy\r\n")
