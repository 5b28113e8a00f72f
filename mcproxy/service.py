"""What all client connections of one process share: where requests go, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcproxy.held_replies import HeldReplies
from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.base import RouteHandle
from mcproxy.tick import Tick
from mcproxy.upstream.destination import Destination


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Bounds of one client connection; reading pauses beyond them."""

    outstanding_requests: int = 34133
    outstanding_value_bytes: int = 8 << 20
    """Of values on their way to servers; smaller ones than LARGE_VALUE are not counted."""
    write_timeout_s: float = 1.0
    """A client that takes none of its replies for so long is dropped; 0: never."""
    held_bytes: int = 64 << 20
    """Of replies that wait for an earlier one, or for the rest of a get; more are given up."""
    held_bytes_total: int = 256 << 20
    """The same of all clients of a process."""
    unread_bytes: int = 128 << 20
    """Replies the client has not read: beyond, the connection is dropped."""
    value_bytes: int = 128 << 20
    """The longest value taken."""


class Client(Protocol):
    """A client's connection, as its process sees it."""

    @property
    def outstanding(self) -> int:
        """Requests without their reply."""

    @property
    def idle_ms(self) -> int:
        """Milliseconds since something came; below 0 while a reply is under way."""

    def finish(self) -> None:
        """Answer what was asked, then close."""

    def abort(self) -> None:
        """Close now."""


class Routing:
    """The route tree in force: one assignment swaps all of it. Requests under way finish on the old one."""

    __slots__ = ("destinations", "locate", "route")

    def __init__(self, root: RouteHandle, destinations: tuple[Destination, ...] = ()) -> None:
        self.route = root.route
        self.locate = root.locate
        self.destinations = destinations


class Service:
    """One process's services to its clients. Counters are plain lists here; stats.py publishes them."""

    __slots__ = (
        "admin_value",
        "commands",
        "connections",
        "errors",
        "flush_enabled",
        "held",
        "limits",
        "loop",
        "make_room",
        "on_last_gone",
        "refused",
        "routing",
        "stats_text",
        "tick",
        "version_line",
    )

    def __init__(
        self,
        routing: Routing,
        tick: Tick,
        loop: asyncio.AbstractEventLoop,
        *,
        limits: ClientLimits | None = None,
        flush_enabled: bool = False,
        version_line: bytes = b"VERSION mcrouter\r\n",
    ) -> None:
        self.routing = routing
        self.tick = tick
        self.loop = loop
        self.limits = limits or ClientLimits()
        self.held = HeldReplies(loop.call_later, self.limits.held_bytes, self.limits.held_bytes_total)
        self.flush_enabled = flush_enabled
        self.version_line = version_line
        self.commands = [0] * len(Op)  # requests of clients, by Op
        self.errors = [0] * len(Result)  # errors sent to clients, by Result
        self.refused = {"binary": 0, "tls": 0, "http": 0, "malformed": 0, "unread": 0, "handshake": 0, "idle": 0}
        self.connections: set[Client] = set()
        self.make_room: Callable[[], None] | None = None  # for a client that is about to join them
        self.on_last_gone: Callable[[], None] | None = None  # told when no client is left
        self.admin_value: Callable[[bytes], bytes] = _no_answers
        self.stats_text: Callable[[str], bytes] = _no_statistics

    def on_come(self, client: Client) -> None:
        """A client's connection is made, its handshake included."""
        if self.make_room is not None:
            self.make_room()
        self.connections.add(client)

    def on_gone(self, client: Client) -> None:
        """A client's connection is closed."""
        self.connections.discard(client)
        if not self.connections and self.on_last_gone is not None:
            self.on_last_gone()


def _no_answers(command: bytes) -> bytes:
    return b"ERROR: nothing is known"


def _no_statistics(group: str) -> bytes:
    return b"END\r\n"
