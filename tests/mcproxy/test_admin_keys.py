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
        assert handles[-1].strip() == f"host|pool=B|id=0|ap={other.address}:ascii:plain:notcompressed|timeout=250ms"
        hosts = {name: f"host|pool={name}|id=0|ap={at.address}" for name, at in (("A", server), ("B", other))}
        assert json.loads(await value(client, b"pools")) == {
            name: [f"{host}:ascii:plain:notcompressed|timeout=250ms"] for name, host in hosts.items()
        }
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
        (hosts,) = json.loads(await value(client, b"pools")).values()
        assert [host.split("|")[2:4] for host in hosts] == [
            [f"id={number}", f"ap={at.address}:ascii:plain:notcompressed"] for number, at in enumerate((server, other))
        ]


async def test_options_and_host(server):
    async with running_proxy("--upstream", server.address, "-t", "321", "--disable-tko-tracking") as proxy:
        client = await proxy.connect()
        lines = (await value(client, b"options")).split("\n")
        assert {"server_timeout 321", "disable_tko_tracking 1", f"upstream {server.address}"} <= set(lines)
        assert await value(client, b"options(server_timeout)") == "321"
        assert await value(client, b"options(server-timeout)") == "321"
        assert await value(client, b"options(nonsense)") == "ERROR: invalid option: nonsense"
        assert int(await value(client, b"hostid")) == int(await value(client, b"hostid"))


async def test_failure_domains_and_numbers_of_servers(server, other):
    servers = f'["{server.address}", "{other.address}"]'
    pool = f'{{"servers": {servers}, "failure_domains": [7, 8]}}'
    config = f'{{"pools": {{"A": {pool}}}, "route": "AllSyncRoute|Pool|A"}}'
    async with running_proxy("--config", config) as proxy:
        client = await proxy.connect()
        assert json.loads(await value(client, b"failure_domains(A)")) == {server.address: "7", other.address: "8"}
        assert await value(client, b"failure_domains(B)") == "{}"
        handles = await value(client, b"route_handles(get,k)")
        assert f"host|pool=upstream|id=0|ap={server.address}" in handles  # its list of servers has no name
        assert f"host|pool=A|id=1|ap={other.address}:ascii" in await value(client, b"pools")


async def test_global_params_and_verbosity(server):
    async with running_proxy("--upstream", server.address, "--config-params", "size:9", "-v", "-v") as proxy:
        client = await proxy.connect()
        parameters = json.loads(await value(client, b"global_params"))
        assert (parameters["size"], parameters["default-route"], parameters["num-proxies"]) == ("9", "/././", 1)
        assert list(parameters) == sorted(parameters)
        assert await value(client, b"verbosity") == "2"


async def test_among_several_keys_of_one_get(server, other):
    async with running_proxy("--upstream", server.address) as proxy:
        client = await proxy.connect()
        await client.ask(b"set k 0 0 1\r\nx\r\n", b"STORED\r\n")
        answer = b"VALUE __mcrouter__.version 0 13\r\nmcrouter test\r\n"
        stored = b"VALUE k 0 1\r\nx\r\n"
        await client.ask(b"get k __mcrouter__.version none\r\n", stored + answer + b"END\r\n")
        await client.ask(b"get __mcrouter__.version __mcrouter__.version k\r\n", answer * 2 + stored + b"END\r\n")
        unique = answer.replace(b"13\r", b"13 0\r")
        await client.ask(b"gets __mcrouter__.version __mcrouter__.version\r\n", unique * 2 + b"END\r\n")
        assert not any(b"__mcrouter__" in line for line in server.lines)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (b"config", "unknown command: config"),
        (b"", "unknown command: "),
        (b"route", "an operation and a key are expected: (get,key)"),
        (b"route(get)", "an operation and a key are expected: (get,key)"),
        (b"route(get,)", "unknown operation: get"),
        (b"failure_domains", "failure_domains: 1 arg expected"),
        (b"failure_domains()", "failure_domains: 1 arg expected"),
        (b"get_bucket", "get_bucket: 1 arg (key) expected"),
        (b"verbosity(3)", "clients cannot change the log of others"),
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
