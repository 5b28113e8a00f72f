"""meta-memcache clients for tests, their connections closed at the end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from typing import Any

from meta_memcache import CacheApi, CacheClient, ConnectionPool, ServerAddress, build_server_pool

from tests.support.processes import Address

PATIENCE_S = 20.0
READ_BUFFER = 1 << 16  # with the library's 4 KB a large value takes 0.2 s for each of them, from the original too


def connect(address: Address) -> socket.socket:
    """What the library's own does, but closed when the server is away, not left to the collector."""
    connection = socket.create_connection(address, PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class MetaPools:
    """Builds clients, and keeps their connection pools to close them."""

    def __init__(self) -> None:
        self.pools: list[ConnectionPool] = []

    def pool(self, server: ServerAddress) -> ConnectionPool:
        address = (server.host, server.port)
        self.pools.append(ConnectionPool(str(server), lambda: connect(address), 1, 3, read_buffer_size=READ_BUFFER))
        return self.pools[-1]

    def server_pool(self, addresses: Iterable[Address]) -> dict[ServerAddress, ConnectionPool]:
        return build_server_pool([ServerAddress(*address) for address in addresses], self.pool)

    def client(
        self,
        *addresses: Address,
        build: Callable[..., CacheApi] = CacheClient.cache_client_from_servers,
        **options: Any,
    ) -> Any:
        """A client of these servers. Untyped: the library's protocol leaves out what its class offers."""
        servers = [ServerAddress(*address) for address in addresses]
        return build(servers=servers, connection_pool_factory_fn=self.pool, **options)

    def close(self) -> None:
        for pool in self.pools:
            for _ in range(pool.get_counters().available):
                pool.pop_connection().close()
