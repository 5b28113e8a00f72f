"""The Python clients over TLS and over IPv6."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiomcache
import memcache
import pytest
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient

from tests.clients.conftest import Kind
from tests.memcache_server.test_tls import certificate
from tests.support.processes import START_SECONDS, Server, accepts
from tests.support.waiting import wait_until

VALUE = b"v" * 200_000  # several TLS records and reads


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("transports"), "localhost")


@pytest.fixture(scope="module")
def secure_server(kind: Kind, files: tuple[Path, Path]) -> Iterator[Server]:
    with kind.running("-Z", "-o", "ssl_chain_cert={},ssl_key={}".format(*files)) as server:
        yield server


@pytest.fixture
def trusting(files: tuple[Path, Path]) -> ssl.SSLContext:
    """Trusts the server's certificate, whatever name it is reached by."""
    context = ssl.create_default_context(cafile=files[0])
    context.check_hostname = False
    return context


@pytest.mark.parametrize(
    "make",
    [Client, PooledClient, lambda address, **options: HashClient([address], **options)],
    ids=["Client", "PooledClient", "HashClient"],
)
def test_pymemcache_over_tls(make: type, secure_server: Server, trusting: ssl.SSLContext) -> None:
    with closing(make(secure_server.address, tls_context=trusting, timeout=10)) as client:
        assert client.set("a", VALUE, noreply=False) is True
        assert client.get("a") == VALUE
        assert client.get_many(["a", "absent"]) == {"a": VALUE}
        client.set("n", "1")
        assert client.incr("n", 41) == 42


async def test_aiomcache_over_tls(secure_server: Server, trusting: ssl.SSLContext) -> None:
    client = aiomcache.Client(*secure_server.address, conn_args={"ssl": trusting})
    assert await client.set(b"a", VALUE) is True
    assert await client.multi_get(b"a", b"absent") == (VALUE, None)
    connection = await client._pool.acquire()
    client._pool.release(connection)
    await client.close()
    await connection.writer.wait_closed()


def test_a_server_that_is_not_trusted(secure_server: Server) -> None:
    with (
        closing(Client(secure_server.address, tls_context=ssl.create_default_context(), timeout=10)) as client,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        client.version()


@pytest.fixture(scope="module")
def ipv6_server(kind: Kind) -> Iterator[Server]:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("NO IPv6 LOOPBACK: clients are not tested over it")
    with kind.running("-l", "[::1]") as server:
        wait_until(lambda: accepts(("::1", server.address[1])), START_SECONDS, "accepted over IPv6 too")
        yield server


def test_pymemcache_over_ipv6(ipv6_server: Server) -> None:
    with closing(Client(("::1", ipv6_server.address[1]), timeout=10)) as client:
        assert client.set("a", VALUE, noreply=False) is True
        assert client.get("a") == VALUE


def test_python_memcached_over_ipv6(ipv6_server: Server) -> None:
    client = memcache.Client([f"inet6:[::1]:{ipv6_server.address[1]}"])
    assert client.set("a", VALUE)
    assert client.get("a") == VALUE
    assert client.get_stats()[0][0] == f"[::1]:{ipv6_server.address[1]} (1)"
    client.disconnect_all()


async def test_aiomcache_over_ipv6(ipv6_server: Server) -> None:
    client = aiomcache.Client("::1", ipv6_server.address[1])
    assert await client.set(b"a", VALUE) is True
    assert await client.get(b"a") == VALUE
    await client.close()
