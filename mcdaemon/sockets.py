"""Sockets: addresses as users write them, one clear line when a port cannot be had, how long a peer is quiet."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcdaemon.errors import StartError

# sysexits.h EX_OSERR: what memcached exits with when it cannot bind.
CANNOT_LISTEN_EXIT = 71
_EPHEMERAL_TRIES = 8
_LAST_DATA_RECEIVED = struct.Struct("=I")  # tcpi_last_data_recv of linux/tcp.h: milliseconds
_TCP_INFO_LENGTH = 56  # up to it: 8 bytes and 12 numbers
# A machine without IPv6 (or IPv4) says one of these: that family is left out if the other can be had.
_FAMILY_MISSING = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on; an empty host means every interface, port 0 any free port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host or "*"
        return f"{host}:{self.port}"


def parse_address(text: str, default_port: int) -> Address:
    """`host`, `host:port`, `:port`, `*`, `[::1]:port`, a bare `::1`; digits are a port. Else ValueError."""
    text = text.strip()
    if text.isdigit():
        return Address("", _port(text, text))
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f'"{text}" is not an address such as [::1]:11211')
        return Address(host, _port(rest[1:], text) if rest else default_port)
    if text.count(":") > 1:
        return Address(text, default_port)
    host, colon, port = text.partition(":")
    return Address("" if host == "*" else host, _port(port, text) if colon else default_port)


def _port(digits: str, text: str) -> int:
    if not digits.isdecimal() or int(digits) > 65535:
        raise ValueError(f'"{text}" has no port between 0 and 65535')
    return int(digits)


def listen_error(address: object, error: OSError, exit_code: int = CANNOT_LISTEN_EXIT) -> StartError:
    """cannot listen on 0.0.0.0:11211: Address already in use."""
    reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
    return StartError(f"cannot listen on {address}: {reason}", exit_code)


def open_tcp(
    addresses: Iterable[Address],
    *,
    backlog: int | None = 1024,
    reuse_port: bool = False,
    exit_code: int = CANNOT_LISTEN_EXIT,
) -> list[socket.socket]:
    """Bound, listening, non-blocking sockets, IPv4 and IPv6; StartError, with none left open, if one fails.

    An empty host or a name may give several sockets; with port 0 they share one ephemeral port. `backlog` None
    only binds.
    uvloop's `create_server(sock=...)` listens again: hand it the same `backlog`.
    """
    opened: list[socket.socket] = []
    with contextlib.ExitStack() as undo:
        for address in addresses:
            for listener in _open_address(address, backlog, reuse_port, exit_code):
                undo.callback(listener.close)
                opened.append(listener)
        undo.pop_all()
    return opened


def open_sharded(
    addresses: Sequence[Address],
    shards: int,
    *,
    backlog: int = 1024,
    exit_code: int = CANNOT_LISTEN_EXIT,
) -> list[list[socket.socket]]:
    """For each of `shards` processes its own sockets on the same addresses; the kernel spreads connections.

    Opened by the parent and kept open there, so that a worker that dies loses no connection still waiting.
    SO_REUSEPORT would let a second daemon of the same user join in silently: an exclusive bind comes first. It
    does not listen, or a client that connects at that moment would be reset.
    """
    first = open_tcp(addresses, backlog=None, exit_code=exit_code)
    bound = [Address(*listener.getsockname()[:2]) for listener in first]
    for listener in first:
        listener.close()
    return [open_tcp(bound, backlog=backlog, reuse_port=True, exit_code=exit_code) for _ in range(shards)]


def open_unix(
    path: str, *, mode: int = 0o700, backlog: int = 1024, exit_code: int = CANNOT_LISTEN_EXIT
) -> socket.socket:
    """A listening Unix socket with permission bits `mode`; a socket file nobody serves is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        previous = os.umask(~mode & 0o777)
        try:
            listener.bind(path)
        finally:
            os.umask(previous)
        listener.listen(backlog)
    except OSError as error:
        listener.close()
        if not error.errno:  # "AF_UNIX path too long" comes without a number
            error = OSError(errno.ENAMETOOLONG, "")
        raise listen_error(path, error, exit_code) from None
    listener.setblocking(False)
    return listener


def adopt(descriptor: int, *, exit_code: int = CANNOT_LISTEN_EXIT) -> socket.socket:
    """Take over a socket that another process opened and listens on."""
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise listen_error(f"descriptor {descriptor}", error, exit_code) from None
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.detach()
        raise StartError(f"cannot listen on descriptor {descriptor}: it is not a listening socket", exit_code)
    listener.setblocking(False)
    return listener


def close_all(listeners: Iterable[socket.socket]) -> None:
    """Close, and remove the file of a Unix socket."""
    for listener in listeners:
        path = listener.getsockname() if listener.family == socket.AF_UNIX and listener.fileno() >= 0 else ""
        listener.close()
        if path:
            with contextlib.suppress(OSError):
                Path(path).unlink()


def quiet_ms(transport: asyncio.BaseTransport) -> int | None:
    """Milliseconds since something came, by the kernel's account; None where it keeps none."""
    known: socket.socket | None = transport.get_extra_info("socket")
    try:
        info = known.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH) if known else b""
    except OSError:  # not TCP, or closed
        return None
    return int(_LAST_DATA_RECEIVED.unpack_from(info, _TCP_INFO_LENGTH - 4)[0]) if info else None


def _open_address(address: Address, backlog: int | None, reuse_port: bool, exit_code: int) -> list[socket.socket]:
    """All sockets of one address. With port 0 another family may hold the port we were given: try again."""
    try:
        places = _resolve(address)
    except OSError as error:
        raise listen_error(address, error, exit_code) from None
    for _ in range(_EPHEMERAL_TRIES):
        opened: list[socket.socket] = []
        failed: tuple[Address, OSError] | None = None
        for family, host in places:
            place = Address(host, opened[0].getsockname()[1] if opened else address.port)
            try:
                opened.append(_bind(family, place, backlog, reuse_port))
            except OSError as error:
                failed = (place, error)
                if error.errno not in _FAMILY_MISSING:
                    break
        if opened and (failed is None or failed[1].errno in _FAMILY_MISSING):
            return opened
        for listener in opened:
            listener.close()
        if not (opened and address.port == 0):
            break
    assert failed is not None
    raise listen_error(*failed, exit_code)


def _resolve(address: Address) -> list[tuple[socket.AddressFamily, str]]:
    if not address.host:
        return [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]  # every interface, as asked
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _bind(family: socket.AddressFamily, place: Address, backlog: int | None, reuse_port: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((place.host, place.port))
        if backlog is not None:
            listener.listen(backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: str) -> None:
    """Unlink a socket file behind which nobody answers; what is no socket stays, and bind fails."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
        except OSError:
            return
