"""One TCP connection to a server: requests out in one write a turn, replies in, strictly in order.

Many clients share it, so nothing that one request's reply causes may end it; only the server can, by
closing it or by sending what is no reply. The FIFO itself is inflight.py; health is destination.py's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from enum import Enum
from time import monotonic
from typing import Protocol, cast

from mcproto.encode import CRLF
from mcproto.errors import ProtocolError
from mcproto.reply_parser import Kind, ReplyParser
from mcproxy.lease import lease_result
from mcproxy.outcome import FIRST_ERROR, LEASED, OUTCOMES, SEVERAL, UNFIT, Result, error_line, server_error_result
from mcproxy.request import RESULTS, KeysRequest, Request
from mcproxy.tick import Tick
from mcproxy.upstream.arrivals import LOOK_BYTES, Arrivals
from mcproxy.upstream.inflight import GROUP_S, Inflight

log = logging.getLogger(__name__)

WRITE_BUFFER_HIGH = 1 << 20
"""Bytes in the socket's buffer from which on requests wait here, where they are counted."""

ABANDONED_MAX = 100_000
"""With so many requests unanswered in time the connection is given up."""

_FOUND = Result.FOUND.value
_SERVER_ERROR = Result.REMOTE_ERROR.value
_ERROR_KIND, _SERVER_ERROR_KIND = Kind.ERROR.value, Kind.SERVER_ERROR.value

REPLY_TIMEOUT = error_line("Reply timeout")
QUEUE_TIMEOUT = error_line("Client queue timeout")
CLOSED_BY_SERVER = error_line("Connection closed by the server.")
ERROR_REPLY = error_line("ERROR reply received from server.")


class Owner(Protocol):
    """What a connection tells its destination."""

    results: list[int]

    def on_connected(self, connection: UpstreamConnection) -> None:
        """Requests can be written."""

    def on_writable(self, connection: UpstreamConnection, writable: bool) -> None:
        """The server takes what we send, or has stopped to."""

    def on_timeouts(self, connection: UpstreamConnection, count: int) -> None:
        """So many requests were not answered in time."""

    def on_answered_again(self) -> None:
        """The first good reply after a timeout."""

    def on_latency(self, seconds: float) -> None:
        """From a flush to the last of its replies."""

    def on_closed(
        self, connection: UpstreamConnection, reason: str, sent: list[Request], unsent: list[Request]
    ) -> None:
        """The connection is gone; the requests have no reply yet."""


class State(Enum):
    """A connection's life; there is no way back."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSED = "closed"


class UpstreamConnection(asyncio.Protocol):
    """`inflight` is open to the destination's hot path, which appends requests and their texts to it."""

    __slots__ = (
        "_arrivals",
        "_call_later",
        "_feed",
        "_now",
        "_owner",
        "_parser",
        "_popleft",
        "_results",
        "_sample_from",
        "_sample_until",
        "_timeout_s",
        "_timer",
        "_transport",
        "_write",
        "held_bytes",
        "inflight",
        "is_leaving",
        "is_suspect",
        "is_writable",
        "reason",
        "state",
    )

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, timeout_s: float, arrivals: Arrivals) -> None:
        self._owner = owner
        self._arrivals = arrivals
        self._results = owner.results
        self._now: Callable[[], float] = loop.time
        self._call_later = loop.call_later
        self._timeout_s = timeout_s
        self._timer: asyncio.TimerHandle | None = None
        self._sample_until = 0  # latency is measured from `_sample_from` to the reply of this number
        self._sample_from = 0.0  # monotonic(): uvloop's own clock counts milliseconds
        self._transport: asyncio.Transport | None = None
        self._write: Callable[[bytes], None]  # from connection_made on
        self._parser = ReplyParser(self._on_reply)
        self._feed = self._parser.feed
        self.inflight: Inflight[Request] = Inflight()
        self._popleft = self.inflight.slots.popleft
        self.held_bytes = 0  # of requests held back while the server does not take them
        self.state = State.CONNECTING
        self.is_writable = False
        self.is_leaving = False  # nothing new will come: close when all is answered
        self.is_suspect = False  # a timeout happened and no good reply since
        self.reason = ""  # why we closed it

    # towards the server

    def flush(self) -> None:
        """Write what has been appended: called by Tick once a turn."""
        inflight = self.inflight
        if not inflight.out:
            return
        if self.is_writable:
            try:
                self._write(inflight.take_out())
            except RuntimeError:  # uvloop, when the transport is closed; connection_lost follows
                pass
            self.held_bytes = 0
        if inflight.set_deadline(self._now() + self._timeout_s):
            self._sample_until, self._sample_from = inflight.sent + len(inflight.out), monotonic()
            if self._timer is None:
                self._timer = self._call_later(self._timeout_s + GROUP_S, self._on_timer)

    def hold(self, request: Request, tick: Tick) -> None:
        """Queue a request while the connection is not writable; it has its deadline from now on."""
        self.inflight.slots.append(request)
        self.inflight.out.append(request.text)
        self.held_bytes += len(request.text)
        tick.add(self)

    def leave(self) -> None:
        """Close as soon as everything is answered."""
        self.is_leaving = True
        self._close_if_done()

    def abort(self, reason: str) -> None:
        """Close now; the owner hears of it with `reason`."""
        if self.state is State.CLOSED:
            return
        self.reason = reason
        if self._transport is not None:
            self._transport.abort()
        self._finish(reason)

    def _close_if_done(self) -> None:
        slots = self.inflight.slots
        if any(slots) or self._transport is None:
            return
        if slots:  # of those left nobody waits for one, and the server may never answer
            self._transport.abort()
        else:
            self._transport.close()

    def _on_timer(self) -> None:
        self._timer = None
        if self.state is State.CLOSED:
            return
        now = self._now()
        sent, unsent = self.inflight.take_overdue(now)
        self.held_bytes -= sum(len(request.text) for request in unsent)
        if sent or unsent:
            self.is_suspect = True
            self._owner.results[Result.TIMEOUT] += len(sent) + len(unsent)
            # first the health, so that a route that asks again sees it
            self._owner.on_timeouts(self, len(sent) + len(unsent))
            for request in sent:
                request.answer(Result.TIMEOUT, REPLY_TIMEOUT)
            for request in unsent:
                request.answer(Result.TIMEOUT, QUEUE_TIMEOUT)
        if len(self.inflight.slots) > ABANDONED_MAX and not self.inflight.out:
            self.abort(f"{ABANDONED_MAX} requests unanswered")
            return
        if self.is_leaving:
            self._close_if_done()
        deadline = self.inflight.next_deadline()
        if deadline is not None and self._timer is None:
            self._timer = self._call_later(max(deadline - now, 0.001), self._on_timer)

    # from the server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        if self.state is State.CLOSED:  # given up while it was being made
            transport.abort()
            return
        transport.set_write_buffer_limits(high=WRITE_BUFFER_HIGH)
        self._transport, self._write = transport, transport.write
        self.state = State.OPEN
        self.is_writable = True
        self._sample_from = monotonic()  # connecting is not answering
        self._owner.on_connected(self)
        self.flush()

    def data_received(self, data: bytes) -> None:
        try:
            self._feed(data)
        except (ProtocolError, ValueError) as error:  # or a length of thousands of digits
            self.abort(str(error))
            return
        arrivals = self._arrivals
        arrivals.count += len(data)
        if arrivals.count > LOOK_BYTES:
            arrivals.look_now()
        if self._sample_until and self.inflight.answered >= self._sample_until:
            self._sample_until = 0
            self._owner.on_latency(monotonic() - self._sample_from)
        if self.is_leaving:
            self._close_if_done()

    @property
    def arrived_bytes(self) -> int:
        """Of a reply that has come in part."""
        return self._parser.held_bytes

    @property
    def next_request(self) -> Request | None:
        """Whose reply comes next; None too if its time was over."""
        return self.inflight.slots[0] if self.inflight.slots else None

    def forget_arrived(self) -> None:
        """Nobody wants the reply that has come in part: its whole values are dropped."""
        self._parser.forget()

    def _on_reply(self, kind: int, raw: bytes) -> None:
        """One reply: find its request, judge it, hand it on. The hot half of an upstream connection."""
        try:
            request = self._popleft()
        except IndexError:
            raise ProtocolError(f"a reply to no request: {raw[:64]!r}") from None
        if request is None:  # abandoned
            return
        result = RESULTS[request.op][kind]
        if result >= FIRST_ERROR:
            result, raw = self._look_closer(request, result, kind, raw)
        if self.is_suspect and result < FIRST_ERROR:
            self.is_suspect = False
            self._owner.on_answered_again()
        self._results[result] += 1
        try:
            if result >= FIRST_ERROR:
                request.answer(result, raw)
            else:  # answer, without the call
                request.rescuer = None
                request.waiter.on_reply(request, result, raw)
        except ProtocolError:  # values that the request did not ask for
            self._results[result] -= 1
            self._answer_unfit(request, kind, raw)
        except Exception:  # a fault on one request's way back is not the server's, nor the other requests'
            log.exception("could not deliver a reply")
            self._answer_fault(request)

    def _look_closer(self, request: Request, result: int, kind: int, raw: bytes) -> tuple[int, bytes]:
        """(result, reply) of a reply that is no ordinary one."""
        if result == SEVERAL:
            cast(KeysRequest, request).found = self._parser
            if request.rescuer is not None:  # the values may turn out not to be those that were asked for
                request.rescuer.stand_back(request)
            return _FOUND, raw
        if result == LEASED:
            result = lease_result(raw)
            if result != UNFIT:
                return result, raw
        if result == UNFIT:
            self._answer_unfit(request, kind, raw)
        raw = raw[:-2].rpartition(CRLF)[2] + CRLF  # values before an error are void
        return server_error_result(raw) if kind == _SERVER_ERROR_KIND else result, raw

    def _answer_fault(self, request: Request) -> None:
        """Rather an error than no reply for ever, which would hold back all that come after it."""
        try:
            request.answer(Result.LOCAL_ERROR, OUTCOMES[Result.LOCAL_ERROR].line)
        except Exception:
            log.exception("could not deliver an error in its place")

    def _answer_unfit(self, request: Request, kind: int, raw: bytes) -> None:
        """ERROR, or a reply to another kind of request: an error for this one, and nothing can be trusted."""
        self._owner.results[_SERVER_ERROR] += 1
        request.answer(_SERVER_ERROR, ERROR_REPLY if kind == _ERROR_KIND else CLOSED_BY_SERVER)
        raise ProtocolError(f"a reply that does not fit: {raw[:64]!r}")

    def pause_writing(self) -> None:
        self.is_writable = False
        self._owner.on_writable(self, False)

    def resume_writing(self) -> None:
        if self.state is State.OPEN:
            self.is_writable = True
            self._owner.on_writable(self, True)
            self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(str(exc) if exc else "closed by the server")

    def fail(self, reason: str) -> None:
        """The connection could not be made."""
        self._finish(reason)

    def _finish(self, reason: str) -> None:
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self.is_writable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        sent, unsent = self.inflight.take_all()
        self._owner.on_closed(self, reason, sent, unsent)
