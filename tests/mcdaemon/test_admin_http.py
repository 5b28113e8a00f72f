from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError
from mcdaemon.metrics import MetricRow, families
from mcdaemon.sockets import Address

ROW = MetricRow("memcached_up", "gauge", "1 while it runs.")


class Readiness:
    answer = (True, "ready")


@pytest.fixture
async def admin() -> AsyncIterator[AdminServer]:
    server = AdminServer(Address("127.0.0.1", 0), lambda: families((ROW,), {ROW.name: 1}), lambda: Readiness.answer)
    await server.start()
    yield server
    await server.stop()
    await server.stop()


Ask = Callable[..., "aiohttp.client._RequestContextManager"]


@pytest.fixture
async def ask(admin: AdminServer) -> AsyncIterator[Ask]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{admin.port}") as session:
        yield lambda path, method="GET", **more: session.request(method, path, **more)


async def test_metrics_in_both_formats(ask: Ask) -> None:
    async with ask("/metrics") as reply:
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert (await reply.text()).endswith("# TYPE memcached_up gauge\nmemcached_up 1.0\n")
    async with ask("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}) as reply:
        assert reply.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        assert (await reply.text()).endswith("# EOF\n")


async def test_health_and_readiness(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    async with ask("/healthz") as reply:
        assert (reply.status, await reply.text()) == (200, "ok\n")
    async with ask("/readyz") as reply:
        assert (reply.status, await reply.text()) == (200, "ready\n")
    monkeypatch.setattr(Readiness, "answer", (False, "2 of 3 servers are down"))
    async with ask("/readyz") as reply:
        assert (reply.status, await reply.text()) == (503, "2 of 3 servers are down\n")
    async with ask("/healthz") as reply:
        assert reply.status == 200


@pytest.mark.parametrize("path", ["/", "/metrics/", "/config", "/readyz/x"])
async def test_anything_else_is_not_found(ask: Ask, path: str) -> None:
    async with ask(path) as reply:
        assert reply.status == 404


async def test_only_reading_is_allowed(ask: Ask) -> None:
    async with ask("/readyz", method="POST", data=b"x") as reply:
        assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")
    async with ask("/metrics?name=x", method="HEAD") as reply:
        assert (reply.status, await reply.text()) == (200, "")


async def test_port_in_use_is_known_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = AdminServer(Address("127.0.0.1", port), list, lambda: (True, ""), exit_code=2)
        assert server.port == 0
        with pytest.raises(StartError, match=f"cannot listen on 127.0.0.1:{port}: ") as failure:
            server.bind()
        assert failure.value.exit_code == 2


async def test_stop_closes_the_port_with_a_connection_open(admin: AdminServer) -> None:
    port = admin.port
    with socket.create_connection(("127.0.0.1", port)):
        await admin.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    assert admin.port == 0
