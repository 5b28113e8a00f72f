"""What a connection's socket tells about the client, and the lines of `watch connevents` made of it."""

import asyncio
import socket
import struct

from memcache_server.session import shown_address

_LAST_DATA_RECEIVED = struct.Struct("=I")  # tcpi_last_data_recv of linux/tcp.h: milliseconds
_TCP_INFO_LENGTH = 56  # up to it: 8 bytes and 12 numbers


def addresses(transport: asyncio.BaseTransport) -> tuple[str, str]:
    """The client's and ours."""
    about = transport.get_extra_info
    family = about("socket").family
    return shown_address(family, about("peername")), shown_address(family, about("sockname"))


def quiet_seconds(transport: asyncio.BaseTransport) -> int | None:
    """Seconds since something came, by the kernel's account; None where it keeps none."""
    known: socket.socket | None = transport.get_extra_info("socket")
    try:
        info = known.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH) if known else b""
    except OSError:  # not TCP, or closed
        return None
    return _LAST_DATA_RECEIVED.unpack_from(info, _TCP_INFO_LENGTH - 4)[0] // 1000 if info else None


def event_text(event: str, address: str, descriptor: int, reason: str | None) -> str:
    """A line of connevents (logger.c): `address` is the client's, `reason` why it was closed, if it was."""
    transport_name, _, rest = address.partition(":")
    host, _, port = rest.rpartition(":") if transport_name != "unix" else ("unix", "", "0")
    ended = "" if reason is None else f"reason={reason} "
    name = "local" if transport_name == "unix" else "tcp"
    return f"type={event} rip={host.strip('[]')} rport={port} transport={name} {ended}cfd={descriptor}"
