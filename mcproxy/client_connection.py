"""A client's connection: feed the parser, write what is ready, and never let one client cost the others.

Reading pauses while the client does not read its replies or has too much under way, and goes on as replies
leave. Requests are handled in bounded turns. A client that has sent its last (`printf … | nc`) still gets
every reply. Whoever speaks another protocol is told so, or closed, by the first byte.
"""

from __future__ import annotations

import asyncio
import logging
from typing import cast

from mcdaemon.log_setup import RateLimited
from mcdaemon.sockets import quiet_ms
from mcproto.encode import BINARY_MAGIC, TLS_HANDSHAKE, binary_refusal
from mcproto.request_parser import RequestParser, no_short_way
from mcproxy.commands import PROXY_COMMANDS
from mcproxy.plain_requests import take_plain
from mcproxy.service import Service
from mcproxy.session import ClientSession

log = logging.getLogger(__name__)

REFUSALS = {
    "binary": "it speaks the binary protocol",
    "tls": "it speaks TLS",
    "http": "it speaks HTTP",
    "malformed": "a malformed request",
    "unread": "it does not read its replies",
    "handshake": "its TLS handshake failed",
    "idle": "it was idle for longest when there were too many",
}

TURN = 256
"""Requests handled before other connections get their turn."""


class ClientConnection(asyncio.Protocol):
    """Shell of one ClientSession."""

    __slots__ = (
        "_feed",
        "_given",
        "_is_blocked",
        "_is_fresh",
        "_is_reading",
        "_is_scheduled",
        "_lines",
        "_more",
        "_outstanding_max",
        "_parser",
        "_peer_ended",
        "_places",
        "_take",
        "_transport",
        "_write",
        "service",
        "session",
    )

    def __init__(self, service: Service, lines: RateLimited) -> None:
        self.service = service
        self.session = ClientSession(service, self)
        self._lines = lines
        limit = service.limits.outstanding_requests or 1 << 62
        self._outstanding_max = limit
        short_way = take_plain if limit > TURN else no_short_way
        self._parser = RequestParser(PROXY_COMMANDS, self.session, min(TURN, limit), short_way)
        self._feed = self._parser.feed
        self._places = self.session.places
        self._take = self.session.queue.take
        self._is_fresh = True  # nothing has come yet
        self._is_reading = True
        self._is_blocked = False  # the client does not read its replies
        self._is_scheduled = False  # a turn will be taken up again
        self._given = 0  # bytes written since, and what was to be sent when the client stopped to read
        self._more = False  # the parser holds whole requests
        self._peer_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self._write = self._transport.write
        self.session.unread, self.session.drop = self._transport.get_write_buffer_size, self._drop_unread
        self.service.on_come(self)

    def connection_lost(self, exc: Exception | None) -> None:
        session = self.session
        session.end()
        session.is_awake = True  # replies still to come wake nobody
        session.forget()
        self.service.on_gone(self)

    # requests

    def data_received(self, data: bytes) -> None:
        session = self.session
        if session.needs_care and not self._takes(data):
            return
        self._more = self._feed(data)
        if self._more or session.needs_care or len(self._places) >= self._outstanding_max:
            self._settle()

    def _takes(self, data: bytes) -> bool:
        """Whether `data` is for the parser."""
        if self._is_fresh:
            self._is_fresh = False
            if data[0] in (BINARY_MAGIC, TLS_HANDSHAKE):
                self._refuse(data)
            else:
                self.session.needs_care = False
        return not self.session.is_ending

    def eof_received(self) -> bool:
        """Keep the connection while replies, or requests not yet handled, remain."""
        self._peer_ended = True
        self.session.needs_care = True
        if not self._more:
            self.session.end()
        return bool(self.session.places or self._more)

    def _is_over_limit(self) -> bool:
        session = self.session
        return (
            len(self._places) >= self._outstanding_max
            or session.value_bytes > self.service.limits.outstanding_value_bytes
            or self._is_blocked
        )

    def _settle(self) -> None:
        """Decide whether to read on, go on with held requests, or close."""
        session = self.session
        session.needs_care = True
        if session.is_ending:
            if session.refused:
                self._log_refused()
            self._more = False
            self._set_reading(False)
            if not self._places and not self._transport.is_closing():
                self._transport.close()
                if not self._is_blocked and self._transport.get_write_buffer_size():
                    self._expect_taking()
            return
        if self._is_over_limit():
            self._set_reading(False)
        elif self._more:
            self._set_reading(False)
            if not self._is_scheduled:
                self._is_scheduled = True
                self.service.loop.call_soon(self._resume)
        else:
            self._set_reading(True)
            session.needs_care = self._peer_ended

    def _resume(self) -> None:
        self._is_scheduled = False
        if self.session.is_ending or self._is_over_limit():
            return
        self._more = self._parser.resume()
        if self._peer_ended and not self._more:
            self.session.end()
        self._settle()

    def _set_reading(self, reading: bool) -> None:
        if reading == self._is_reading or self._transport.is_closing():
            return
        self._is_reading = reading
        if reading:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _refuse(self, data: bytes) -> None:
        """By its first byte: one reply in the binary protocol, none to a TLS hello."""
        if data[0] == BINARY_MAGIC:
            self.session.refuse("binary")
            self.session.say(binary_refusal(data))
        else:
            self.session.refuse("tls")
        self.session.end()
        self._settle()

    # replies

    def flush(self) -> None:
        """Write the replies that are ready: called by Tick once a turn."""
        session, places = self.session, self._places
        session.is_awake = False
        # one request at a time is the commonest way to talk to a cache
        replies = places.popleft().reply if len(places) == 1 and places[0].reply is not None else self._take()
        if replies:
            try:
                self._write(replies)
            except RuntimeError:  # uvloop, when the transport is closed; connection_lost follows
                return
        if places and not session.is_watched:
            self.service.held.watch(session)
        if session.needs_care:
            if self._is_blocked:
                self._given += len(replies or b"")
                self._check_unread()
            self._settle()

    def pause_writing(self) -> None:
        self._is_blocked = True
        if not self.session.is_watched:
            self.service.held.watch(self.session)
        self._expect_taking()
        self._settle()

    def _expect_taking(self) -> None:
        """Of what the client was sent it must take something in the timeout, again and again until it has all."""
        self._given = self._transport.get_write_buffer_size()
        if self.service.limits.write_timeout_s:
            self.service.loop.call_later(self.service.limits.write_timeout_s, self._check_taken, 0, self._given)

    def _check_taken(self, taken_before: int, given_before: int) -> None:
        """Drop a client that has taken nothing since; a blocked one begins to count anew."""
        unread = self._transport.get_write_buffer_size()
        if not (unread if self._transport.is_closing() else self._is_blocked):
            return
        taken = self._given - unread
        if taken <= taken_before and self._given >= given_before:
            self._drop_unread()
            return
        self.service.loop.call_later(self.service.limits.write_timeout_s, self._check_taken, taken, self._given)

    def resume_writing(self) -> None:
        self._is_blocked = False
        self._settle()

    def _check_unread(self) -> None:
        if self._transport.get_write_buffer_size() > self.service.limits.unread_bytes:
            self._drop_unread()

    def _drop_unread(self) -> None:
        self.session.refuse("unread")
        self._log_refused()
        self._transport.abort()

    # the process's view

    @property
    def outstanding(self) -> int:
        return len(self.session.places)

    @property
    def idle_ms(self) -> int:
        """Milliseconds since something came, by the kernel's account; below 0 while a reply is under way."""
        return -1 if self.session.places else quiet_ms(self._transport) or 0

    def finish(self) -> None:
        """Answer what was asked, then close."""
        self.session.end()
        self._settle()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def _log_refused(self) -> None:
        why, self.session.refused = self.session.refused, ""
        peer = self._transport.get_extra_info("peername")
        self._lines.log(why, logging.WARNING, "client %s: %s, closed", _shown(peer), REFUSALS[why])


def _shown(peer: object) -> str:
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else str(peer or "on a socket")
