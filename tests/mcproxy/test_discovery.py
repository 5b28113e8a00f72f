"""Servers found by a name: they move, come and go while clients are served."""

import asyncio

from tests.support.fake_dns import FakeDns
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until

NAME = "mycache-memcached.default.svc.cluster.local"
KEYS = [b"key%d" % number for number in range(40)]


def members(*servers):
    return {ordinal: ("127.0.0.1", server.port) for ordinal, server in enumerate(servers)}


async def fill(client):
    for key in KEYS:
        client.send(b"set %b 0 0 1\r\nx\r\n" % key)
    await client.expect(b"STORED\r\n" * len(KEYS))


def holders(servers):
    """Which server holds which keys."""
    return [{line.split()[1] for line in server.lines if line.startswith(b"set")} for server in servers]


async def test_a_server_moves_and_another_joins_while_clients_are_served():
    async with (
        MockUpstream(store_script()) as a,
        MockUpstream(store_script()) as b,
        MockUpstream(store_script()) as c,
        MockUpstream(store_script()) as d,
    ):
        with FakeDns() as dns:
            dns.set_service(NAME, members(a, b))
            words = ("--upstream", f"dnssrv+_memcache._tcp.{NAME}", "--nameserver", dns.nameserver)
            async with running_proxy(*words) as proxy:
                client = await proxy.connect()
                await fill(client)
                held = holders([a, b])
                assert held[0] and held[1] and held[0] | held[1] == set(KEYS)

                dns.set_service(NAME, members(a, c))  # pod 1 was restarted elsewhere
                proxy.proxy.reload()
                await until(lambda: proxy.proxy.service.routing.destinations[1].location.port == c.port)
                await fill(client)
                assert holders([a, c]) == held  # the same keys, by name
                assert a.connections == 1  # and who did not move was not disturbed

                dns.set_service(NAME, members(a, c, d))
                await asyncio.sleep(1.05)  # lookups asked for keep a distance
                proxy.proxy.reload()
                await until(lambda: len(proxy.proxy.service.routing.destinations) == 3)
                await fill(client)
                moved = holders([d])[0]
                assert 0 < len(moved) < 30
                assert (a.connections, c.connections) == (1, 1)


async def test_a_failing_dns_changes_nothing():
    async with MockUpstream(store_script()) as a:
        with FakeDns() as dns:
            dns.set_service(NAME, members(a))
            words = ("--upstream", f"dns+{NAME}:{a.port}", "--nameserver", dns.nameserver)
            async with running_proxy(*words) as proxy:
                client = await proxy.connect()
                await client.ask(b"get a\r\n", b"END\r\n")
                dns.clear()
                asked = len(dns.queries)
                proxy.proxy.reload()
                await until(lambda: len(dns.queries) > asked)
                await client.ask(b"get a\r\n", b"END\r\n")
                assert a.connections == 1


async def test_a_name_that_appears_later():
    async with MockUpstream(store_script()) as a:
        with FakeDns() as dns:
            words = ("--upstream", f"dns+{NAME}:{a.port}", "--nameserver", dns.nameserver)
            async with running_proxy(*words) as proxy:
                ready, why = proxy.proxy.ready()
                assert not ready
                assert why.startswith("no servers found yet")
                client = await proxy.connect()
                await client.ask(b"get a\r\n", b"SERVER_ERROR HashRoute with empty children, name: upstream\r\n")
                dns.set_service(NAME, members(a))
                await until(lambda: proxy.proxy.ready()[0])
                await client.ask(b"get a\r\n", b"END\r\n")
