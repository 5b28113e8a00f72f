"""Where a server is, and how its TCP connection is kept alive."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import NamedTuple, cast


@dataclass(frozen=True, slots=True)
class Location:
    """Where a server is: a host (name or IP) and port, or the path of a Unix socket with port 0."""

    host: str
    port: int

    def __str__(self) -> str:
        if self.host.startswith("/"):
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class KeepAlive(NamedTuple):
    """TCP keepalive: seconds without traffic before the first probe and between probes, and how many probes."""

    idle_s: int
    interval_s: int
    probes: int


def keep_alive(transport: asyncio.Transport, keepalive: KeepAlive) -> None:
    """Have the system probe the peer of an idle connection, and close one that does not answer."""
    peer = cast(socket.socket, transport.get_extra_info("socket"))
    for option, value in (
        (socket.TCP_KEEPIDLE, keepalive.idle_s),
        (socket.TCP_KEEPINTVL, keepalive.interval_s),
        (socket.TCP_KEEPCNT, keepalive.probes),
    ):
        peer.setsockopt(socket.IPPROTO_TCP, option, value)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
