"""The tutorial's steps 3 to 8, with its names and texts, as its reader performs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import dns.resolver
import pytest
from pymemcache.client.base import Client
from pymemcache.client.hash import HashClient

from tests.e2e.local_cluster import SERVICE, UPSTREAM, LocalCluster, Proxy, pod_name
from tests.support import telnet
from tests.support.fake_dns import FakeDns

pytestmark = pytest.mark.xdist_group("tutorial")  # the cluster is made once, port 53 is there once

needs_telnet = pytest.mark.skipif(telnet.PROGRAM is None, reason="telnet is not installed")

THREE_HOSTS = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]

STEP_4 = """
set mykey 0 0 5
hello
-> STORED
get mykey
-> VALUE mykey 0 5
-> hello
-> END
quit
"""
STEP_7 = """
set anotherkey 0 0 15
Mcrouter is fun
-> STORED
get anotherkey
-> VALUE anotherkey 0 15
-> Mcrouter is fun
-> END
quit
"""
STEP_8 = """
get anotherkey
-> VALUE anotherkey 0 15
-> Mcrouter is fun
-> END
quit
"""


@pytest.fixture(scope="module")
def tutorial() -> Iterator[LocalCluster]:
    with LocalCluster() as running_cluster:
        yield running_cluster


@pytest.fixture(scope="module")
def nodes(tutorial: LocalCluster) -> tuple[Proxy, Proxy]:
    """Two nodes of the cluster: each has a proxy of its own."""
    return tutorial.start_proxy(), tutorial.start_proxy()


def converse(host: str, port: int, script: str) -> None:
    seen, wanted = telnet.converse(telnet.session(host, port, script), ["telnet", host, str(port)])
    assert seen == wanted


def discovered(*arguments: str, nameserver: str) -> list[list[str]]:
    """The rows of `python -m discovery` below its heading."""
    command = [sys.executable, "-m", "discovery", *arguments, "--nameserver", nameserver]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return [line.split() for line in result.stdout.splitlines()[1:]]


def test_step_3_the_name_has_three_addresses(tutorial: LocalCluster) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [tutorial.dns.host], tutorial.dns.port
    assert sorted(record.address for record in resolver.resolve(SERVICE, "A")) == THREE_HOSTS
    for ordinal, host in enumerate(THREE_HOSTS):
        answer = resolver.resolve(f"{pod_name(ordinal)}.{SERVICE}", "A")
        assert [record.address for record in answer] == [host]


def test_step_3_by_our_own_command(tutorial: LocalCluster) -> None:
    port = str(tutorial.port)
    by_address = discovered(f"{SERVICE}:{port}", nameserver=tutorial.dns.nameserver)
    assert [row[1:4] for row in by_address] == [[host, port, "-"] for host in THREE_HOSTS]
    by_pod = discovered(UPSTREAM, nameserver=tutorial.dns.nameserver)
    assert [row[:4] for row in by_pod] == [[pod_name(n), THREE_HOSTS[n], port, str(n)] for n in range(3)]


@needs_telnet
def test_step_4_a_server_by_telnet(tutorial: LocalCluster) -> None:
    for host in THREE_HOSTS:
        converse(host, tutorial.port, STEP_4)


def test_step_5_a_client_that_knows_all_servers(tutorial: LocalCluster) -> None:
    client = HashClient([(host, tutorial.port) for host in THREE_HOSTS], use_pooling=True)
    assert client.set("mykey", "hello") is True
    assert client.get("mykey") == b"hello"
    values = {f"key{number}": f"value{number}" for number in range(300)}
    assert client.set_many(values, noreply=False) == []
    assert client.get_many(list(values)) == {key: value.encode() for key, value in values.items()}
    for ordinal in range(3):
        assert int(tutorial.connect(ordinal).stats()["curr_items"]) > 300 / 3 / 2  # all of them do their share
    client.close()


@needs_telnet
def test_steps_7_and_8_any_proxy_and_another(nodes: tuple[Proxy, Proxy]) -> None:
    one, other = nodes
    converse(*one.address, STEP_7)
    converse(*other.address, STEP_8)
    converse(*one.address, STEP_8)


def test_step_8_in_python(nodes: tuple[Proxy, Proxy], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = nodes
    monkeypatch.setenv("NODE_NAME", one.address[0])
    client = Client((os.environ["NODE_NAME"], one.address[1]))
    assert client.set("some_key", "some_value") is True
    assert client.get("some_key") == b"some_value"
    client.close()
    client = Client((os.environ["NODE_NAME"], other.address[1]))
    assert client.get("some_key") == b"some_value"
    client.close()


def test_a_key_is_on_one_server_only(tutorial: LocalCluster, nodes: tuple[Proxy, Proxy]) -> None:
    assert nodes[0].client.ask(b"set only_once 0 0 4\r\nhere\r\n") == b"STORED\r\n"
    replies = [tutorial.connect(ordinal).ask(b"get only_once\r\n") for ordinal in range(3)]
    assert sorted(replies) == [b"END\r\n", b"END\r\n", b"VALUE only_once 0 4\r\nhere\r\nEND\r\n"]


# What a reader pastes uses the system's own resolver, which asks port 53 of whom resolv.conf names: so these
# run with a resolv.conf of their own, in a mount namespace, and a DNS server at port 53 of a loopback address.

RESOLVER_HOST = "127.53.0.1"
IN_NAMESPACE = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"']


def _namespaces_work() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    command = [*IN_NAMESPACE, os.devnull, "true"]
    return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0


@pytest.fixture
def resolv_conf(tutorial: LocalCluster, tmp_path: Path) -> Iterator[str]:
    if not _namespaces_work():
        pytest.skip("needs root and mount namespaces")
    path = tmp_path / "resolv.conf"
    path.write_text(f"nameserver {RESOLVER_HOST}\nsearch default.svc.cluster.local\noptions ndots:5\n")
    with FakeDns(RESOLVER_HOST, 53) as dns_server:
        dns_server.set_service(SERVICE, dict(enumerate(THREE_HOSTS)), tutorial.port)
        yield str(path)


STEP_3_AND_5 = """
import socket, sys
from pymemcache.client.hash import HashClient
name, aliases, ips = socket.gethostbyname_ex('mycache-memcached.default.svc.cluster.local')
client = HashClient([(ip, int(sys.argv[1])) for ip in ips], use_pooling=True)
client.set('mykey', 'hello')
print(name, sorted(ips), client.get('mykey'))
"""


def test_steps_3_and_5_with_the_system_resolver(tutorial: LocalCluster, resolv_conf: str) -> None:
    command = [*IN_NAMESPACE, resolv_conf, sys.executable, "-c", textwrap.dedent(STEP_3_AND_5), str(tutorial.port)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.stdout == f"{SERVICE} {THREE_HOSTS} b'hello'\n", result.stderr


@needs_telnet
def test_step_4_by_name(tutorial: LocalCluster, resolv_conf: str) -> None:
    for ordinal, host in enumerate(THREE_HOSTS):
        name = f"{pod_name(ordinal)}.{SERVICE}"
        command = [*IN_NAMESPACE, resolv_conf, "telnet", name, str(tutorial.port)]
        seen, wanted = telnet.converse(telnet.session(host, tutorial.port, STEP_4, name), command)
        assert seen == wanted
