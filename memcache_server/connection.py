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
from collections.abc import Mapping
from typing import cast

from mcproto.encode import BINARY_MAGIC, TLS_HANDSHAKE, binary_refusal
from mcproto.request_parser import Command, RequestParser, ShortWay, no_short_way
from memcache_server import peer_socket
from memcache_server.auth import Login
from memcache_server.connections import Connections
from memcache_server.reply_windows import ReplyWindows
from memcache_server.session import TURN_BYTES, Session, Shared
from memcache_server.stand_ins import Draining, Watching
from memcache_server.store import LargeText

_REST_MAX = 8 << 20  # bytes of replies to a client that has ended TLS already
_HIGH_WATER = 64 * 1024  # unsent reply bytes of one client from which on it is not read
_WORTH_NOTING = 2 * 1024  # bytes that a client makes us hold
_WINDOWS_A_TURN = 512 * 1024  # bytes of large replies, then others have their turn


class Connection(asyncio.Protocol):
    """One client."""

    __slots__ = ("_eof", "_loop", "_owner", "_paused", "_reply_size", "_requests", "_resuming", "_shared", "_transport",
                 "_waiting", "_windows", "parser", "session")  # fmt: skip

    def __init__(
        self, owner: Connections, commands: Mapping[bytes, Command], shared: Shared, short_way: ShortWay = no_short_way
    ) -> None:
        self._owner = owner
        self._shared = shared
        self._loop = owner.loop
        self.session = Session(shared)
        self.parser: RequestParser | Login = RequestParser(
            commands, self.session, shared.settings.max_requests, short_way
        )
        if shared.passwords is not None:
            self._requests = self.parser
            self.parser = Login(shared.passwords, self.session, self._logged_in)
        self._eof = False
        self._paused = False  # the client does not read
        self._reply_size = 0  # of the reply that it did not read
        self._resuming = False  # a turn has ended early, the next is scheduled
        self._waiting = 0  # bytes of requests that wait for their turn, while the client reads
        self._windows: ReplyWindows | None = None  # large replies under way

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
            self._log_event("conn_close", "error" if exc is not None else self.session.ending)
            if self._shared.watchers.remove(self):
                self._shared.observe()
        self.session.closing = True
        self.session.pending = self.session.peer = None
        for piece in self.session.out:
            if isinstance(piece, LargeText):
                piece.release()
        self.session.out.clear()
        self.parser.forget()
        self._count_waiting(0)
        if self._windows is not None:
            self._windows.release()
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
        if self._transport.get_extra_info("sslcontext") is not None:
            self._answer_rest()  # behind the end of TLS nothing can be sent later
            self.session.closing = True
            return False
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
        # only bytes: a large text ends its turn, and then it is _flush_large that sends
        out: list[bytes] = session.out  # type: ignore[assignment]
        reply = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        session.out_bytes = 0
        session.stats.bytes_written += len(reply)
        self._transport.write(reply)
        if self._paused:
            self._reply_size = len(reply)
            self._owner.held.note(self)

    def _flush_large(self) -> None:
        """Send replies of which one may be large."""
        session = self.session
        if not any(isinstance(piece, LargeText) for piece in session.out):
            self._flush()
            return
        self._windows = ReplyWindows(self._transport, session.out)
        session.out.clear()
        session.out_bytes = 0
        self._send_windows()

    def _send_windows(self) -> bool:
        """Go on with large replies; whether they are through."""
        assert self._windows is not None
        done, sent = self._windows.send(_WINDOWS_A_TURN)
        self.session.stats.bytes_written += sent
        if done:
            self._windows = None
            self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        return done

    def _end_turn(self) -> None:
        """The parser stopped before the end: because of quit, or because the turn's bound was reached."""
        session = self.session
        if session.out_bytes >= TURN_BYTES:
            self._flush_large()
        elif session.out:
            self._flush()
        if session.closing:
            self._close()
            return
        if not self._resuming and self._has_answered:
            return  # the bound was reached with the last request there was
        session.stats.conn_yields += 1
        if not self._resuming:
            self._resuming = True
            self._transport.pause_reading()
        self._await_turn()

    @property
    def _has_answered(self) -> bool:
        """Whether nothing is left to do, and to send, before something comes."""
        return (
            self._windows is None
            and self.session.pending is None
            and not (self._paused or self._eof or self._owner.draining or self.parser.held)
        )

    def _await_turn(self) -> None:
        """The next turn comes in the loop's next round, or when the client reads."""
        if not self._paused:
            self._count_waiting(self.parser.held + self.session.pending_size)
            self._loop.call_soon(self._resume)
            return
        self._count_waiting(0)  # it waits for its client now
        if self.held > _WORTH_NOTING:
            self._owner.held.note(self)

    def _count_waiting(self, size: int) -> None:
        change, self._waiting = size - self._waiting, size
        if change:
            self._owner.count_waiting(change)

    def _answer_rest(self) -> None:
        """All turns that are left at once, as far as the replies are not too many to be kept."""
        session = self.session
        while self._resuming and not session.closing and self._transport.get_write_buffer_size() < _REST_MAX:
            if self._windows is not None:
                session.stats.bytes_written += self._windows.send_rest()
                self._windows = None
            self._resuming = bool(session.take_pending() or self.parser.resume())
            if session.out:
                self._flush_large()

    def _resume(self) -> None:
        try:
            self._go_on()
        except Exception:
            self._transport.abort()  # as the loop does for data_received: nobody would call again
            raise

    def _go_on(self) -> None:
        session = self.session
        if session.closing or self._paused or not self._resuming:
            return
        if self._windows is not None and not self._send_windows():
            self._await_turn()
            return
        if session.take_pending() or self.parser.resume():
            self._end_turn()
            return
        self._resuming = False
        self._count_waiting(0)
        if session.out:
            self._flush()
        if not self._paused:
            self._continue_reading()

    def _continue_reading(self) -> None:
        if self.session.closing:
            return
        if self._eof or (self._owner.draining and not self.parser.mid_request):
            self._close()
        elif not self._owner.crowded:
            self._transport.resume_reading()

    def stop_reading(self) -> None:
        """Too many requests wait for their turn."""
        if not self.session.closing:
            self._transport.pause_reading()

    def read_again(self) -> None:
        """No longer."""
        if not (self._paused or self._resuming):
            self._continue_reading()

    def _refuse(self, data: bytes) -> None:
        """Another protocol: a binary client gets one binary error, a TLS hello nothing."""
        self.session.ending = "error"
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
        return peer_socket.addresses(self._transport)

    @property
    def watches(self) -> bool:
        """Whether it only listens to log lines."""
        return isinstance(self._transport.get_protocol(), Watching)

    @property
    def state(self) -> str:
        """One of the original's states; only one whose command is being answered can be asked while it is read."""
        if self.watches:
            return "conn_watch"
        if self._paused:
            return "conn_mwrite"
        if self.session.fresh:
            return "conn_new_cmd"
        return "conn_nread" if self.parser.mid_request else "conn_read"

    @property
    def quiet_seconds(self) -> int | None:
        """Seconds since something came, by the kernel's account: nobody takes the time of each command."""
        return peer_socket.quiet_seconds(self._transport)

    def become_watcher(self) -> None:
        """From the next turn on no command is read."""
        self.session.pending = self._stop_listening

    def _stop_listening(self) -> None:
        self.parser.forget()
        self._transport.set_protocol(Watching(self))

    def _log_event(self, event: str, reason: str | None = None) -> None:
        text = peer_socket.event_text(event, self.addresses[0], self.descriptor, reason)
        self._shared.watchers.log(b"connevents", text)

    @property
    def held(self) -> int:
        """Bytes of unsent replies and unfinished requests, rather too many than too few."""
        requests = self.parser.held + self.session.pending_size
        if self._windows is not None:
            return self._windows.held + requests
        # a reply of which a part is sent stays in memory as a whole; the unsent part shows that it moves
        reply = self._reply_size + self._transport.get_write_buffer_size() if self._paused else 0
        return reply + requests

    def close_idle(self, since: int) -> None:
        """Nobody asks for it without idle_timeout."""

    def drain(self) -> None:
        """Close once the requests that have begun to come are answered and the replies sent."""
        self.session.ending = "shutdown"
        if not self.close_if_idle():
            self._transport.set_protocol(Draining(self))

    def close_if_idle(self) -> bool:
        """Whether nothing was under way; then it is closed."""
        return not self._resuming and not self.parser.mid_request and self._close()

    def drop(self) -> None:
        """One of those who hold too much."""
        self.session.ending = "error"
        self._shared.stats.stalled_dropped += 1
        self._shared.warn("stalled", "a client dropped that neither read its replies nor finished its request")
        self.abort()
        self.parser.forget()  # the loop will tell that it is lost only after whatever else comes in this round

    def abort(self) -> None:
        """End the connection at once."""
        self.session.closing = True
        self._transport.abort()
