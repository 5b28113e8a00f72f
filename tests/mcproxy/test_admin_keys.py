"""`get __mcrouter__.…`: every command, over a configuration and over --upstream."""

import json
import time

import pytest

from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy


async def value(client, command):
    """What the proxy answers, its frame checked."""
    key = b"__mcrouter__." + command
    client.send(b"get %b\r\n" % key)
    words = (await client.line()).split()
    assert words[:3] == [b"VALUE", key, b"0"]
    text = await client.reader.readexactly(int(words[3]))
    await client.expect(b"\r\nEND\r\n")
    return text.decode()


@pytest.fixture
async def server():
    async with MockUpstream(store_script()) as server:
        yield server


@pytest.fixture
async def other():
    async with MockUpstream(store_script()) as server:
        yield server


CONFIG = """{
  // two pools, one after the other
  "pools": {"A": {"servers": ["%s"]}, "B": {"servers": ["%s"]}},
  "route": {"type": "FailoverRoute", "children": ["PoolRoute|A", "PoolRoute|B"]},
}"""


async def test_over_a_configuration_file(server, other, tmp_path):
    path = tmp_path / "mcrouter.json"
    path.write_text(CONFIG % (server.address, other.address))
    async with running_proxy("-f", str(path), "-t", "250") as proxy:
        client = await proxy.connect()
        assert await value(client, b"version") == "mcrouter test"
        assert await value(client, b"config_file") == str(path)
        assert int(await value(client, b"config_age")) in (0, 1, 2)
        digest = await value(client, b"config_md5_digest")
        assert len(digest) == 32
        assert json.loads(await value(client, b"config_sources_info")) == {"mcrouter_config": digest}
        document = json.loads(await value(client, b"preprocessed_config"))
        assert set(document["pools"]) == {"A", "B"}
        assert await value(client, b"route(get,some,key)") == f"{server.address}\r\n{other.address}"
        handles = (await value(client, b"route_handles(set,k)")).split("\r\n")
        assert handles[:3] == ["proxy", " root", "  failover"]
        assert handles[-1].strip() == f"host|pool=B|ap={other.address}:ascii:plain:notcompressed|timeout=250ms"
        assert await value(client, b"pools") == "A\nB"
        assert not server.lines + other.lines  # nobody was asked


async def test_over_upstreams(server, other):
    async with running_proxy("--upstream", server.address, "--upstream", other.address) as proxy:
        client = await proxy.connect()
        for number in range(20):
            key = b"key%d" % number
            place = await value(client, b"route(get,%b)" % key)
            await client.ask(b"get %b\r\n" % key, b"END\r\n")
            asked = server if place == server.address else other
            assert asked.lines[-1] == b"get " + key
        assert await value(client, b"config_file") == "ERROR: no config file: configured by text or --upstream"
        assert await value(client, b"preprocessed_config") == "ERROR: no config: --upstream"
        assert await value(client, b"pools") == "upstream"


async def test_options_and_host(server):
    async with running_proxy("--upstream", server.address, "-t", "321", "--disable-tko-tracking") as proxy:
        client = await proxy.connect()
        lines = (await value(client, b"options")).split("\n")
        assert {"server_timeout 321", "disable_tko_tracking 1", f"upstream {server.address}"} <= set(lines)
        assert await value(client, b"options(server_timeout)") == "321"
        assert await value(client, b"options(server-timeout)") == "321"
        assert await value(client, b"options(nonsense)") == "ERROR: invalid option: nonsense"
        assert int(await value(client, b"hostid")) == int(await value(client, b"hostid"))


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b"config", "unknown command: config"),
        (b"", "unknown command: "),
        (b"route", "an operation and a key are expected: (get,key)"),
        (b"route(get)", "an operation and a key are expected: (get,key)"),
        (b"route(get,)", "unknown operation: get"),
        (b"route(fetch,k)", "unknown operation: fetch"),
        (b"route(get,k", "a closing parenthesis is missing"),
        (b"\xff\xfe", "unknown command: \\xff\\xfe"),
    ],
)
async def test_what_cannot_be_told_is_a_value_too(server, command, error):
    async with running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        assert await value(client, command) == f"ERROR: {error}"


async def test_keys_that_only_look_like_it_are_routed(server):
    async with running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        await client.ask(b"get __mcrouter__\r\nget _\r\n", b"END\r\nEND\r\n")
        assert server.lines == [b"get __mcrouter__", b"get _"]
        client.send(b"get _%b\r\n" % (b"k" * 250))
        assert await client.line() == b"CLIENT_ERROR bad key\r\n"
        started = time.monotonic()
        assert await value(client, b"route(get,%b)" % (b"k" * 230)) == server.address
        assert time.monotonic() - started < 5
