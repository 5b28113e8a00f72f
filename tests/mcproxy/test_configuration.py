"""A running proxy follows its configuration: files, what they import, and the names that DNS knows."""

import asyncio
import json

import pytest

from tests.support.fake_dns import FakeDns
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until

NAME = "mycache-memcached.default.svc.cluster.local"
QUICK = ("--file-observer-poll-period-ms", "5", "--reconfiguration-delay-ms", "20")


def pool_of(*servers):
    return json.dumps({"servers": [server.address for server in servers]})


def config(pool):
    return f'{{"pools": {{"A": {pool}}}, "route": "PoolRoute|A"}}'


def failures(proxy):
    return proxy.proxy._stats.config_failures


async def kept_at(client, server):
    """A set through the proxy reaches that server."""
    before = len(server.lines)
    await client.ask(b"set k 0 0 1\r\nx\r\n", b"STORED\r\n")
    assert len(server.lines) > before


@pytest.fixture
async def servers():
    async with MockUpstream(store_script()) as a, MockUpstream(store_script()) as b:
        yield a, b


async def test_a_changed_file_is_read_and_a_bad_one_changes_nothing(tmp_path, servers, caplog):
    a, b = servers
    path = tmp_path / "mc.json"
    path.write_text(config(pool_of(a)))
    async with running_proxy("-f", str(path), *QUICK) as proxy:
        client = await proxy.connect()
        await kept_at(client, a)
        path.write_text('{"pools": {}, "route": "NoSuchRoute"}')
        await until(lambda: failures(proxy) == 1)
        assert f"Can not read config {path}: Unknown RouteHandle: NoSuchRoute line: 1 at: route" in caplog.text
        await kept_at(client, a)
        path.write_text(config(pool_of(b)))
        await until(lambda: [d.name for d in proxy.proxy.service.routing.destinations] == [b.address])
        await kept_at(client, b)
        assert failures(proxy) == 1


async def test_imported_files_are_followed_too(tmp_path, servers):
    a, b = servers
    path, imported = tmp_path / "mc.json", tmp_path / "pool.yaml"
    imported.write_text(pool_of(a))
    path.write_text(config('"@import(pool.yaml)"'))
    async with running_proxy("-f", str(path), *QUICK) as proxy:
        client = await proxy.connect()
        await kept_at(client, a)
        imported.write_text(pool_of(b))
        await until(lambda: [d.name for d in proxy.proxy.service.routing.destinations] == [b.address])
        imported.unlink()
        await until(lambda: failures(proxy) == 1)
        await kept_at(client, b)
        imported.write_text(pool_of(a, b))
        await until(lambda: len(proxy.proxy.service.routing.destinations) == 2)


async def test_several_changes_at_once_are_one_reload(tmp_path, servers, caplog):
    caplog.set_level("INFO")
    path = tmp_path / "mc.json"
    path.write_text(config(pool_of(servers[0])))
    async with running_proxy("-f", str(path), *QUICK[:2], "--reconfiguration-delay-ms", "150") as proxy:
        for count in range(1, 4):
            path.write_text(config(pool_of(*servers[:2])) + " " * count)
            await asyncio.sleep(0.02)
        await until(lambda: len(proxy.proxy.service.routing.destinations) == 2)
        assert caplog.text.count("configuration reloaded") == 1


async def test_disable_reload_configs(tmp_path, servers):
    a, b = servers
    path = tmp_path / "mc.json"
    path.write_text(config(pool_of(a)))
    async with running_proxy("-f", str(path), *QUICK, "--disable-reload-configs") as proxy:
        path.write_text(config(pool_of(b)))
        await asyncio.sleep(0.1)
        assert [d.name for d in proxy.proxy.service.routing.destinations] == [a.address]
        proxy.proxy.reload()
        assert [d.name for d in proxy.proxy.service.routing.destinations] == [b.address]


async def test_a_pool_that_dns_names(tmp_path, servers):
    a, b = servers
    path = tmp_path / "mc.json"
    path.write_text(config(json.dumps({"servers": f"dnssrv+_memcache._tcp.{NAME}"})))
    with FakeDns() as dns:
        dns.set_service(NAME, {0: ("127.0.0.1", a.port)})
        async with running_proxy("-f", str(path), *QUICK, "--nameserver", dns.nameserver) as proxy:
            client = await proxy.connect()
            await kept_at(client, a)
            dns.set_service(NAME, {0: ("127.0.0.1", b.port)})
            proxy.proxy._look_again()
            await until(lambda: proxy.proxy.service.routing.destinations[0].location.port == b.port)
            await kept_at(client, b)
            assert [d.name for d in proxy.proxy.service.routing.destinations] == ["mycache-memcached-0"]


async def test_a_reload_looks_new_names_up_first_and_forgets_old_ones(tmp_path, servers):
    a, b = servers
    path = tmp_path / "mc.json"
    path.write_text(config(pool_of(a)))
    with FakeDns() as dns:
        dns.set_service(NAME, {0: ("127.0.0.1", b.port)})
        async with running_proxy("-f", str(path), *QUICK, "--nameserver", dns.nameserver) as proxy:
            client = await proxy.connect()
            path.write_text(config(json.dumps({"servers": f"dnssrv+_memcache._tcp.{NAME}"})))
            await until(lambda: [d.name for d in proxy.proxy.service.routing.destinations] == ["mycache-memcached-0"])
            await kept_at(client, b)
            path.write_text(config(pool_of(a)))
            await until(lambda: [d.name for d in proxy.proxy.service.routing.destinations] == [a.address])
            await kept_at(client, a)
            assert proxy.proxy._configuration._watchers == {}


async def test_a_second_reload_waits_for_new_names_as_the_first_did(tmp_path, servers):
    a, b = servers
    path = tmp_path / "mc.json"
    path.write_text(config(pool_of(a)))
    with FakeDns() as dns:
        dns.set_service(NAME, {0: ("127.0.0.1", b.port)})
        dns.delay_s = 0.3
        async with running_proxy("-f", str(path), "--disable-reload-configs", "--nameserver", dns.nameserver) as proxy:
            path.write_text(config(json.dumps({"servers": f"dnssrv+_memcache._tcp.{NAME}"})))
            proxy.proxy.reload()
            await until(lambda: proxy.proxy._configuration._watchers)
            proxy.proxy.reload()
            assert [d.name for d in proxy.proxy.service.routing.destinations] == [a.address]
            await until(lambda: [d.name for d in proxy.proxy.service.routing.destinations] != [a.address])
            assert [d.name for d in proxy.proxy.service.routing.destinations] == ["mycache-memcached-0"]


async def test_requests_on_their_way_finish_on_the_old_tree(tmp_path, servers):
    a, b = servers
    path = tmp_path / "mc.json"
    path.write_text(config(pool_of(a)))
    async with running_proxy("-f", str(path), *QUICK) as proxy:
        client = await proxy.connect()
        client.send(b"set k 0 0 1\r\nx\r\n" * 200)
        path.write_text(config(pool_of(b)))
        proxy.proxy.reload()
        await client.expect(b"STORED\r\n" * 200)
