"""A proxy inside the test's own event loop, and a client that talks bytes to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from mcdaemon import sockets
from mcdaemon.cli import parse_settings
from mcproxy.admin import Facts, View
from mcproxy.proxy import Proxy
from mcproxy.settings import Settings
from mcproxy.snapshot import Board, merge_servers
from mcproxy.stats import Stats, new_counters
from mcproxy.tls import Tls
from mcproxy.upstream.destination import Destination

WAIT_S = 10.0


class Client:
    """A connection as a program at the other end has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def expect(self, data: bytes) -> None:
        """The next bytes must be exactly these."""
        got = b""
        try:
            while len(got) < len(data):
                piece = await asyncio.wait_for(self.reader.read(len(data) - len(got)), WAIT_S)
                assert piece, f"closed after {got!r}, expected {data!r}"
                got += piece
        except TimeoutError:
            raise AssertionError(f"only {got!r} came, expected {data!r}") from None
        assert got == data

    async def ask(self, request: bytes, reply: bytes) -> None:
        self.send(request)
        await self.expect(reply)

    async def expect_end(self) -> None:
        """The proxy must close, without another byte."""
        assert await asyncio.wait_for(self.reader.read(), WAIT_S) == b""

    async def line(self) -> bytes:
        return await asyncio.wait_for(self.reader.readline(), WAIT_S)

    def close(self) -> None:
        self.writer.close()

    async def closed(self) -> None:
        """Close, and wait until the socket is gone."""
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


@dataclass
class Running:
    """The proxy under test; `connect` gives a client, all clients are closed at the end."""

    proxy: Proxy
    port: int
    clients: list[Client]
    tls_port: int = 0

    async def connect(self, tls: ssl.SSLContext | None = None) -> Client:
        """With `tls` on the port of --ssl-port."""
        port = self.port if tls is None else self.tls_port
        client = Client(*await asyncio.open_connection("127.0.0.1", port, ssl=tls))
        self.clients.append(client)
        return client


@asynccontextmanager
async def running_proxy(*words: str) -> AsyncIterator[Running]:
    """A proxy with the given command line, listening on a free loopback port."""
    settings = parse_settings(
        Settings, words, {}, prog="mcproxy", env_prefix="MCPROXY", description="", version_text=""
    )
    tls = Tls(settings)
    listeners = sockets.open_tcp([sockets.Address("127.0.0.1", 0)])
    secure = sockets.open_tcp([sockets.Address("127.0.0.1", port) for port in settings.ssl_port])
    counters, board = new_counters(1), Board(1)
    view = View(
        Facts("mcrouter test", "mcproxy", 1.0, "upstream"),
        lambda: Stats.totals_of(counters),
        lambda: merge_servers([snapshot.servers for snapshot in board.read()]),
        list,
    )
    proxy = Proxy(settings, listeners, Stats(counters, 0), board, view, tls=tls, tls_listeners=secure)
    running = Running(proxy, listeners[0].getsockname()[1], [], secure[0].getsockname()[1] if secure else 0)
    try:
        await proxy.start()
        yield running
    finally:
        proxy.close()
        sockets.close_all([*listeners, *secure])
        for client in running.clients:
            await client.closed()
        if proxy._service is not None:
            await until(lambda: not proxy.service.connections and all(map(_is_closed, proxy.destinations)))


def _is_closed(destination: Destination) -> bool:
    return destination._connection is None and (destination._connect_task is None or destination._connect_task.done())


async def until(condition: Callable[[], object], seconds: float = WAIT_S) -> None:
    """Wait for what has no event of its own."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


async def all_of(*work: Awaitable[object]) -> None:
    await asyncio.gather(*work)
