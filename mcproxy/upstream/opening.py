"""How a connection to a server is made: TCP or a Unix socket, plain or TLS, kept alive or not."""

from __future__ import annotations

import asyncio

from mcproxy.upstream.location import Location, keep_alive
from mcproxy.upstream.options import Surroundings, UpstreamOptions


async def open_connection(
    protocol: asyncio.Protocol, location: Location, options: UpstreamOptions, shared: Surroundings
) -> None:
    """Connect `protocol`, handshake included. Raises TimeoutError beyond the connect timeout, OSError."""
    timeout_s = options.connect_timeout_s
    arguments = shared.client_tls().arguments(location, timeout_s) if options.tls else {}
    async with asyncio.timeout(timeout_s):
        if not location.port:
            await shared.loop.create_unix_connection(lambda: protocol, location.host, **arguments)
            return
        transport, _ = await shared.loop.create_connection(lambda: protocol, location.host, location.port, **arguments)
        if options.keepalive is not None:
            keep_alive(transport, options.keepalive)
