"""Where the server listens; and at its limit of connections, with no_maxconns_fast, for a while does not.

While it does not, new connections wait in the kernel's queue: the listening sockets stay open, only the event
loop's duplicates of them are closed.
"""

import asyncio
import logging
import re
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mcdaemon import sockets
from mcdaemon.errors import StartError
from memcache_server.settings import Settings

logger = logging.getLogger(__name__)

CANNOT_LISTEN_EXIT = 71
_PREFIX = re.compile(r"(notls)?(?:proto\[(\w*)\])?(?:tag\[([^\]]*)\])?:")
_TAG_MAX = 8
_PROTOCOLS = (None, "ascii", "negotiating")

Factory = Callable[[], asyncio.Protocol]


class Place(NamedTuple):
    """One address of -l, and whether TLS is spoken there if it is anywhere."""

    address: sockets.Address
    tls: bool


def parse_place(text: str, default_port: int, tls: bool = False) -> Place:
    """An address behind `notls:`, `proto[ascii]:` and `tag[x]:`. A tag changes nothing. Raises ValueError."""
    while match := _PREFIX.match(text):
        if match.end() == 1:
            break  # ":port"
        plain, protocol, tag = match.groups()
        if tag is not None and not 1 <= len(tag) <= _TAG_MAX:
            raise ValueError(f'Listener tags must be between 1 and {_TAG_MAX} characters: "{tag}"')
        if plain and not tls:
            raise ValueError("'notls' option is valid only when SSL is enabled")
        if protocol not in _PROTOCOLS:
            raise ValueError(f'"{protocol}" is not served, only ascii is')
        tls = tls and not plain
        text = text[match.end() :]
    return Place(sockets.parse_address(text, default_port), tls)


class Listeners:
    """The listening sockets of one server."""

    def __init__(self, settings: Settings, factory: Factory, context: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._factory = factory
        self._context = context
        self._opened: list[tuple[socket.socket, bool]] = []
        self._serving: list[asyncio.Server] = []
        self._paused = False
        self._resuming: asyncio.Task[None] | None = None

    @property
    def sockets(self) -> list[socket.socket]:
        """All that listen, in the order asked for."""
        return [listener for listener, _ in self._opened]

    def open(self) -> None:
        """Raises StartError."""
        settings = self._settings
        if settings.unix_socket:
            path, mode, backlog = settings.unix_socket, settings.unix_mask, settings.backlog
            listener = sockets.open_unix(path, mode=mode, backlog=backlog, exit_code=CANNOT_LISTEN_EXIT)
            self._opened.append((listener, settings.tls))
        elif settings.port:
            for place in self._places(max(0, settings.port)):
                opened = sockets.open_tcp([place.address], backlog=settings.backlog, exit_code=CANNOT_LISTEN_EXIT)
                self._opened += [(listener, place.tls) for listener in opened]
        if settings.options.sock_cookie_id:
            self._mark(settings.options.sock_cookie_id)

    def _mark(self, cookie: int) -> None:
        """A mark for the system's packet filters; connections inherit it. Only an administrator may set one."""
        for listener in self.sockets:
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, cookie.to_bytes(4, sys.byteorder))
            except OSError as error:
                logger.warning("-o sock_cookie_id=%d: without effect: %s", cookie, error.strerror)
                return

    def _places(self, port: int) -> list[Place]:
        try:
            return [parse_place(text, port, self._settings.tls) for text in self._settings.listen or ("",)]
        except ValueError as error:
            raise StartError(f"-l/--listen: {error}", CANNOT_LISTEN_EXIT) from error

    async def serve(self) -> None:
        """Accept connections."""
        loop, backlog = asyncio.get_running_loop(), self._settings.backlog
        create = loop.create_unix_server if self._settings.unix_socket else loop.create_server
        for listener, tls in self._opened:
            context = self._context if tls else None
            self._serving.append(await create(self._factory, sock=listener.dup(), backlog=backlog, ssl=context))

    def write_ports(self, path: Path) -> None:
        """`TCP INET: port` lines, there in one step (memcached.c server_socket). Raises OSError."""
        families = {socket.AF_INET: "INET", socket.AF_INET6: "INET6"}
        partial = path.with_name(f"{path.name}.lck")
        partial.write_text(
            "".join(
                f"TCP {families[listener.family]}: {listener.getsockname()[1]}\n"
                for listener in self.sockets
                if listener.family in families
            )
        )
        partial.replace(path)

    def pause(self) -> None:
        """Accept nothing for now."""
        self._paused = True
        for server in self._serving:
            server.close()
        self._serving.clear()

    def resume(self) -> None:
        """Accept again."""
        if self._paused and (self._resuming is None or self._resuming.done()):
            self._paused = False
            self._resuming = asyncio.get_running_loop().create_task(self.serve())

    def close(self) -> None:
        """For good."""
        if self._resuming is not None:
            self._resuming.cancel()
        self.pause()
        self._paused = False
        sockets.close_all(self.sockets)
        self._opened.clear()
