"""Where one process takes clients in: its listeners, plain and TLS, and how many clients there may be."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence

from mcdaemon.log_setup import RateLimited
from mcdaemon.tls import failure_text
from mcproxy.client_connection import ClientConnection
from mcproxy.client_limit import ClientLimit, connections_max
from mcproxy.secure_client import SecureClientConnection, TimedClientConnection
from mcproxy.service import Client, Service
from mcproxy.settings import Settings
from mcproxy.tls import Tls


class ClientListeners:
    """Serves clients from `open` on."""

    def __init__(self, service: Service, settings: Settings, tls: Tls) -> None:
        self._service = service
        self._settings = settings
        self._tls = tls
        self._lines = RateLimited(logging.getLogger("mcproxy.clients"), service.loop.time)
        self._limit_max = connections_max(settings.max_conns, settings.num_proxies)
        if self._limit_max:
            service.make_room = ClientLimit(self._limit_max, service.connections, self._on_evicted).make_room
        self._servers: list[asyncio.Server] = []

    async def open(self, plain: Sequence[socket.socket], secure: Sequence[socket.socket]) -> None:
        """Accept on these sockets."""
        loop, backlog = self._service.loop, self._settings.tcp_listen_backlog
        for listener in plain:
            kind = TimedClientConnection if self._limit_max and listener.family == socket.AF_UNIX else ClientConnection
            server = await loop.create_server(self._factory(kind), sock=listener, backlog=backlog)
            self._servers.append(server)
        arguments = self._tls.listening(self._on_handshake_failure) if secure else {}
        for listener in secure:
            factory = self._factory(SecureClientConnection)
            server = await loop.create_server(factory, sock=listener, backlog=backlog, **arguments)
            self._servers.append(server)

    def close(self) -> None:
        """Accept no more."""
        for server in self._servers:
            server.close()

    def _factory(self, kind: type[ClientConnection]) -> Callable[[], ClientConnection]:
        service, lines = self._service, self._lines
        return lambda: kind(service, lines)

    def _on_evicted(self, client: Client) -> None:
        self._service.refused["idle"] += 1
        self._lines.log("idle", logging.WARNING, "%d clients: the longest idle one is closed", self._limit_max)

    def _on_handshake_failure(self, error: ssl.SSLError) -> None:
        self._service.refused["handshake"] += 1
        self._lines.log("handshake", logging.WARNING, "a client's TLS handshake failed: %s", failure_text(error))
