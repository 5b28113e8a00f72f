"""The asyncio shell around a session. It does five things: feed, write, back-pressure, idle turns, close.

    data_received -> RequestParser.feed -> handler in COMMANDS -> store -> reply pieces in session.out
                  -> one write of all pieces joined

uvloop sends at every write, so a write for each command would be a system call for each command. A turn is
bounded in requests and reply bytes; what is left goes on in the loop's next round, and meanwhile nothing more
is read from this client. A client that does not read its replies is not read from either, and what all such
clients hold together is bounded too (held_bytes).
"""

import asyncio
import socket
import time
from collections.abc import Mapping
from typing import Protocol, cast

from mcproto.encode import BINARY_MAGIC, TLS_HANDSHAKE, binary_refusal
from mcproto.request_parser import Command, RequestParser
from memcache_server.auth import Login
from memcache_server.held_bytes import HeldBytes
from memcache_server.session import Session, Shared, shown_address
from memcache_server.stats import Stats

_HIGH_WATER = 256 * 1024  # unsent reply bytes of one client from which on it is not read
_WORTH_NOTING = 32 * 1024  # bytes of an unfinished request
_HELD_MAX = 24 << 20  # bytes held for all clients; a pod's memory limit has this room
_HELD_VALUES = 8  # but so many of the largest values in any case


class Connection(asyncio.Protocol):
    """One client."""

    __slots__ = ("_eof", "_loop", "_owner", "_paused", "_reply_size", "_requests", "_resuming", "_shared", "_transport",
                 "parser", "session")  # fmt: skip

    def __init__(self, owner: "Connections", commands: Mapping[bytes, Command], shared: Shared) -> None:
        self._owner = owner
        self._shared = shared
        self._loop = owner.loop
        self.session = Session(shared)
        self.parser: RequestParser | Login = RequestParser(commands, self.session, shared.settings.max_requests)
        if shared.passwords is not None:
            self._requests = self.parser
            self.parser = Login(shared.passwords, self.session, self._logged_in)
        self._eof = False
        self._paused = False  # the client does not read
        self._reply_size = 0  # of the reply that it did not read
        self._resuming = False  # a turn has ended early, the next is scheduled

    # the transport's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it in, or turn it away (the original's maxconns_fast)."""
        self._transport = cast(asyncio.Transport, transport)
        stats = self._shared.stats
        if len(self._owner.open) >= self._shared.settings.conn_limit and self._shared.settings.options.maxconns_fast:
            stats.rejected_connections += 1
            self._transport.write(b"ERROR Too many open connections\r\n")
            self._transport.close()
            self.session.closing = True
            return
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._owner.add(self)
        stats.total_connections += 1
        stats.curr_connections += 1
        self.session.peer = self
        if self._shared.watchers:
            self._log_event("conn_new")

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out; what it was about to say has no listener any more."""
        if self._shared.watchers and self.session.peer is not None:
            self._log_event("conn_close", "" if exc is None else "error")
            if self._shared.watchers.remove(self):
                self._shared.observe()
        self.session.closing = True
        self.session.pending = self.session.peer = None
        self.parser.forget()
        if self in self._owner.open:
            self._owner.discard(self)
            self._shared.stats.curr_connections -= 1

    def data_received(self, data: bytes) -> None:
        """Requests, whole or in part."""
        session = self.session
        session.stats.bytes_read += len(data)
        if session.closing:
            return
        if session.fresh:
            session.fresh = False
            if data[0] in (BINARY_MAGIC, TLS_HANDSHAKE):
                self._refuse(data)
                return
        if self.parser.feed(data):
            self._end_turn()
        elif session.out:
            self._flush()
        elif self.parser.held > _WORTH_NOTING:
            self._owner.held.note(self)

    def eof_received(self) -> bool:
        """The client sends no more; stay open while requests or replies remain (`printf ... | nc`)."""
        self._eof = True
        if self._resuming or self._paused:
            return True
        self.session.closing = True
        return self._transport.get_write_buffer_size() > 0 and self._close()

    def pause_writing(self) -> None:
        """The client does not read: take no more requests from it."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = False
        if self._resuming:
            self._loop.call_soon(self._resume)
        else:
            self._continue_reading()

    def _logged_in(self, rest: bytes) -> bool:
        """From now on there are commands."""
        self.parser = self._requests
        return bool(rest) and self._requests.feed(rest)

    # turns

    def _flush(self) -> None:
        session = self.session
        out = session.out
        reply = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        session.out_bytes = 0
        session.stats.bytes_written += len(reply)
        self._transport.write(reply)
        if self._paused:
            self._reply_size = len(reply)
            self._owner.held.note(self)

    def _end_turn(self) -> None:
        """The parser stopped before the end: because of quit, or because the turn's bound was reached."""
        session = self.session
        if session.out:
            self._flush()
        if session.closing:
            self._close()
            return
        session.stats.conn_yields += 1
        if not self._resuming:
            self._resuming = True
            self._transport.pause_reading()
        if not self._paused:
            self._loop.call_soon(self._resume)

    def _resume(self) -> None:
        session = self.session
        if session.closing or self._paused or not self._resuming:
            return
        pending, session.pending = session.pending, None
        if (pending is not None and pending()) or self.parser.resume():
            self._end_turn()
            return
        self._resuming = False
        if session.out:
            self._flush()
        if not self._paused:
            self._continue_reading()

    def _continue_reading(self) -> None:
        if self.session.closing:
            return
        if self._eof or (self._owner.draining and not self.parser.mid_request):
            self._close()
        else:
            self._transport.resume_reading()

    def _refuse(self, data: bytes) -> None:
        """Another protocol: a binary client gets one binary error, a TLS hello nothing."""
        self._shared.stats.foreign_protocols += 1
        if data[0] == BINARY_MAGIC:
            self._shared.warn("binary", "a client spoke the binary protocol, closed; it must be set to text")
            self._transport.write(binary_refusal(data))
        else:
            self._shared.warn("tls", "a client spoke TLS on a plain port, closed")
        self._close()

    def _close(self) -> bool:
        """Close once what was written is sent. Returns True, for eof_received."""
        self.session.closing = True
        self._transport.close()
        return True

    # what commands ask of it (session.Peer)

    def write(self, data: bytes) -> None:
        """Send log lines at once."""
        if not self.session.closing and not self._transport.is_closing():
            self._transport.write(data)

    @property
    def unsent(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._transport.get_write_buffer_size()

    @property
    def descriptor(self) -> int:
        """Of the socket."""
        known: socket.socket | None = self._transport.get_extra_info("socket")
        return -1 if known is None else known.fileno()

    @property
    def addresses(self) -> tuple[str, str]:
        """The client's and ours."""
        about = self._transport.get_extra_info
        family = about("socket").family
        return shown_address(family, about("peername")), shown_address(family, about("sockname"))

    @property
    def state(self) -> str:
        """One of the original's states."""
        if isinstance(self._transport.get_protocol(), _Watching):
            return "conn_watch"
        return "conn_mwrite" if self._paused else "conn_parse_cmd" if self._resuming else "conn_read"

    def become_watcher(self) -> None:
        """From the next turn on no command is read."""
        self.session.pending = self._stop_listening

    def _stop_listening(self) -> None:
        self.parser.forget()
        self._transport.set_protocol(_Watching(self))

    def _log_event(self, event: str, reason: str | None = None) -> None:
        transport_name, _, address = self.addresses[0].partition(":")
        host, _, port = address.rpartition(":") if transport_name != "unix" else ("unix", "", "0")
        ended = "" if reason is None else f"reason={reason or 'normal'} "
        name = "local" if transport_name == "unix" else "tcp"
        text = f"type={event} rip={host.strip('[]')} rport={port} transport={name} {ended}cfd={self.descriptor}"
        self._shared.watchers.log(b"connevents", text)

    @property
    def held(self) -> int:
        """Bytes of unsent replies and unfinished requests, rather too many than too few."""
        # a reply of which a part is sent stays in memory as a whole; the unsent part shows that it moves
        reply = self._reply_size + self._transport.get_write_buffer_size() if self._paused else 0
        return reply + self.parser.held

    def drain(self) -> None:
        """Close once the requests that have begun to come are answered and the replies sent."""
        if not self.close_if_idle():
            self._transport.set_protocol(_Draining(self))

    def close_if_idle(self) -> bool:
        """Whether nothing was under way; then it is closed."""
        return not self._resuming and not self.parser.mid_request and self._close()

    def drop(self) -> None:
        """One of those who hold too much."""
        self._shared.stats.stalled_dropped += 1
        self._shared.warn("stalled", "a client dropped that neither read its replies nor finished its request")
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self.session.closing = True
        self._transport.abort()


class TimedConnection(Connection):
    """One client of a server with idle_timeout; others pay nothing for it."""

    __slots__ = ("last_command",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Its time begins."""
        self.last_command = self._shared.clock.now
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """And begins again."""
        self.last_command = self._shared.clock.now
        super().data_received(data)

    def close_idle(self, since: int) -> None:
        """Close if nothing came after this second and nothing is under way."""
        if self.last_command <= since and not self._paused and self.close_if_idle():
            self._shared.stats.idle_kicks += 1


class _Draining(asyncio.Protocol):
    """Takes the place of a connection while the server drains; nobody pays for it before."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def data_received(self, data: bytes) -> None:
        """The rest of a request, perhaps."""
        self._connection.data_received(data)
        self._connection.close_if_idle()

    def eof_received(self) -> bool:
        """The connection's."""
        return self._connection.eof_received()

    def pause_writing(self) -> None:
        """The connection's."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The connection's."""
        self._connection.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection's."""
        self._connection.connection_lost(exc)


class _Watching(_Draining):
    """Takes the place of a connection that watches: whatever it still sends is dropped."""

    def data_received(self, data: bytes) -> None:
        """Nothing to do."""

    def eof_received(self) -> bool:
        """It has closed."""
        return False


class Accepting(Protocol):
    """Listeners, as seen from here."""

    def pause(self) -> None:
        """Accept nothing for now."""

    def resume(self) -> None:
        """Accept again."""


class Connections:
    """The open connections of a server, what they hold, and whoever waits for the last of them to end."""

    __slots__ = ("_accepting", "_empty", "_full_at", "_full_since", "_stats", "draining", "held", "loop", "open")

    def __init__(self, loop: asyncio.AbstractEventLoop, item_size_max: int) -> None:
        self.loop = loop
        self.open: set[Connection] = set()
        self.held = HeldBytes(max(_HELD_MAX, _HELD_VALUES * item_size_max))
        self.draining = False
        self._empty: asyncio.Event | None = None
        self._full_at = 0  # connections at which nothing more is accepted, or 0
        self._full_since = 0.0  # when that began, or 0

    def wait_at_limit(self, limit: int, stats: Stats, accepting: Accepting) -> None:
        """Stop accepting at `limit` connections instead of turning away (no_maxconns_fast)."""
        self._full_at, self._stats, self._accepting = limit, stats, accepting

    def add(self, connection: Connection) -> None:
        """One more."""
        self.open.add(connection)
        if self._full_at and len(self.open) >= self._full_at and not self._full_since:
            self._full_since = time.monotonic()
            self._stats.accepting_conns = 0
            self._stats.listen_disabled_num += 1
            self._accepting.pause()

    def _has_room(self) -> None:
        self._stats.time_in_listen_disabled_us += int((time.monotonic() - self._full_since) * 1e6)
        self._stats.accepting_conns = 1
        self._full_since = 0.0
        self._accepting.resume()

    def close_idle(self, since: int) -> None:
        """Close those from whom nothing has come after this second."""
        for connection in list(self.open):
            if isinstance(connection, TimedConnection):
                connection.close_idle(since)

    def discard(self, connection: Connection) -> None:
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
