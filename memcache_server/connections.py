"""The open connections of a server: their number and its limit, what they hold, and the last of them to end."""

import asyncio
import time
from typing import Protocol

from memcache_server.held_bytes import HeldBytes, Holder
from memcache_server.session import Peer
from memcache_server.stats import Stats

_HELD_MAX = 8 << 20  # bytes held for clients that do not read or do not finish; a pod's memory limit has this room
_WAITING_MAX = 4 << 20  # and bytes of requests that wait for their turn


class Client(Peer, Holder, Protocol):
    """A connection, as seen from here."""

    def close_idle(self, since: int) -> None:
        """Close if nothing has come after this second."""

    def drain(self) -> None:
        """Close once what has begun is answered."""

    def abort(self) -> None:
        """End at once."""

    def stop_reading(self) -> None:
        """Take no more from the client."""

    def read_again(self) -> None:
        """Go on, unless there are reasons of its own against it."""


class Accepting(Protocol):
    """Listeners, as seen from here."""

    def pause(self) -> None:
        """Accept nothing for now."""

    def resume(self) -> None:
        """Accept again."""


class Connections:
    """The open connections of a server, what they hold, and whoever waits for the last of them to end."""

    __slots__ = ("_accepting", "_empty", "_full_at", "_full_since", "_stats", "_waiting", "crowded", "draining", "held",
                 "loop", "open")  # fmt: skip

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.open: set[Client] = set()
        self.held = HeldBytes(_HELD_MAX)
        self._waiting = 0  # bytes of requests whose clients wait for their turn
        self.crowded = False  # those are too many: nobody is read until half of them are answered
        self.draining = False
        self._empty: asyncio.Event | None = None
        self._full_at = 0  # connections at which nothing more is accepted, or 0
        self._full_since = 0.0  # when that began, or 0

    def wait_at_limit(self, limit: int, stats: Stats, accepting: Accepting) -> None:
        """Stop accepting at `limit` connections instead of turning away (no_maxconns_fast)."""
        self._full_at, self._stats, self._accepting = limit, stats, accepting

    def add(self, connection: Client) -> None:
        """One more."""
        self.open.add(connection)
        if self._full_at and len(self.open) >= self._full_at and not self._full_since:
            self._full_since = time.monotonic()
            self._stats.accepting_conns = 0
            self._stats.listen_disabled_num += 1
            self._accepting.pause()

    def count_waiting(self, change: int) -> None:
        """So many bytes of requests more, or fewer, wait for their turn."""
        self._waiting += change
        if not self.crowded and self._waiting > _WAITING_MAX:
            self.crowded = True
            for connection in self.open:
                connection.stop_reading()
        elif self.crowded and self._waiting <= _WAITING_MAX // 2:
            self.crowded = False
            for connection in list(self.open):
                connection.read_again()

    def _has_room(self) -> None:
        self._stats.time_in_listen_disabled_us += int((time.monotonic() - self._full_since) * 1e6)
        self._stats.accepting_conns = 1
        self._full_since = 0.0
        self._accepting.resume()

    def close_idle(self, since: int) -> None:
        """Close those from whom nothing has come after this second."""
        for connection in list(self.open):
            connection.close_idle(since)

    def discard(self, connection: Client) -> None:
        """Forget a closed connection."""
        self.open.discard(connection)
        self.held.forget(connection)
        if self._full_since and not self.draining and len(self.open) < self._full_at:
            self._has_room()
        if self._empty is not None and not self.open:
            self._empty.set()

    async def drain(self) -> None:
        """Let each connection finish what it is about; return when no connection is open."""
        self.draining = True
        for connection in list(self.open):
            connection.drain()
        self._empty = asyncio.Event()
        if self.open:
            await self._empty.wait()
