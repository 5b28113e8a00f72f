"""What a connection's socket tells about the client, and the lines of `watch connevents` made of it."""

import asyncio

from mcdaemon import sockets
from memcache_server.session import shown_address


def addresses(transport: asyncio.BaseTransport) -> tuple[str, str]:
    """The client's and ours."""
    about = transport.get_extra_info
    family = about("socket").family
    return shown_address(family, about("peername")), shown_address(family, about("sockname"))


def quiet_seconds(transport: asyncio.BaseTransport) -> int | None:
    """Seconds since something came, by the kernel's account; None where it keeps none."""
    quiet_ms = sockets.quiet_ms(transport)
    return None if quiet_ms is None else quiet_ms // 1000


def event_text(event: str, address: str, descriptor: int, reason: str | None) -> str:
    """A line of connevents (logger.c): `address` is the client's, `reason` why it was closed, if it was."""
    transport_name, _, rest = address.partition(":")
    host, _, port = rest.rpartition(":") if transport_name != "unix" else ("unix", "", "0")
    ended = "" if reason is None else f"reason={reason} "
    name = "local" if transport_name == "unix" else "tcp"
    return f"type={event} rip={host.strip('[]')} rport={port} transport={name} {ended}cfd={descriptor}"
