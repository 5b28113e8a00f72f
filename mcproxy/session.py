"""What a client's requests see of its connection: its place in the line, its limits, its end. Pure."""

from __future__ import annotations

import mmap
from collections.abc import Callable

from mcproto.encode import BAD_LINE, TOO_LARGE
from mcproto.request_parser import ValueBuffer
from mcproxy.held_replies import forget, give_up_newest, held_bytes
from mcproxy.outcome import FIRST_ERROR, OUTCOMES, Result
from mcproxy.reply_queue import Ready, ReplyQueue
from mcproxy.request import Request, Waiter
from mcproxy.service import Service
from mcproxy.tick import Flushable

MALFORMED = OUTCOMES[Result.BAD_COMMAND].line
BAD_KEY = OUTCOMES[Result.BAD_KEY].line

NUL = 0
"""No key has this byte: to older servers (memcached 1.6.18) the line ends there, and a value would be commands."""

LARGE_VALUE = 4096
"""Values from this size on count against their client while they are on their way."""

_LAZY_VALUE = 256 * 1024  # from here on memory is touched only as the value comes in


class ClientSession:
    """Context of the request parser and the handlers, and the waiter at the end of every reply's way.

    `shell`, the connection, joins the tick when replies may be ready, and not again until `is_awake` is
    reset. While `needs_care` is set it looks closer at every event; else it need not look at all.
    """

    __slots__ = (
        "_shell",
        "_waiting",
        "drop",
        "is_awake",
        "is_ending",
        "is_watched",
        "needs_care",
        "places",
        "queue",
        "refused",
        "service",
        "unread",
        "value_bytes",
    )

    def __init__(self, service: Service, shell: Flushable) -> None:
        self.service = service
        self.queue = ReplyQueue()
        self.places = self.queue.places
        self.is_awake = False
        self.is_watched = False  # held_replies.py looks at it
        self.is_ending = False  # no more requests are handled; close when all replies are sent
        self.refused = ""  # why, if the client cannot be served
        self.value_bytes = 0  # of large values on their way to servers
        self.unread: Callable[[], int] = int  # bytes that the client was sent and has not read: the shell's
        self.drop: Callable[[], None] = self.forget  # close its connection: the shell's
        self._shell = shell
        self._waiting = service.tick.waiting
        self.needs_care = True  # for the first byte

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A request of this client is answered."""
        request.reply = raw
        if result >= FIRST_ERROR:
            self.service.errors[result] += 1
        if not self.is_awake:  # _wake, without the call
            self.is_awake = True
            if self._waiting:
                self._waiting.append(self._shell)
            else:
                self.service.tick.add(self._shell)

    def _wake(self) -> None:
        self.is_awake = True
        if self._waiting:
            self._waiting.append(self._shell)
        else:
            self.service.tick.add(self._shell)

    def say(self, reply: bytes) -> None:
        """Answer in turn with a reply that is known now."""
        self.places.append(Ready(reply))
        if not self.is_awake:
            self._wake()

    def say_error(self, result: Result, line: bytes) -> None:
        """`say`, counted."""
        self.service.errors[result] += 1
        self.say(line)

    # what held_replies.py asks

    @property
    def held_bytes(self) -> int:
        """What its replies take that cannot be sent yet."""
        return held_bytes(self.places)

    @property
    def unread_bytes(self) -> int:
        """What it was sent and has not read."""
        return self.unread()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.places and not self.unread()

    def shed(self, limit: int) -> None:
        """Give up the newest replies until the others take `limit` bytes at most."""
        self.service.errors[Result.LOCAL_ERROR] += give_up_newest(reversed(self.places), self.held_bytes, limit)

    def forget(self) -> None:
        """The client is gone: nothing is gathered for it any more."""
        self.unread = int
        forget(self.places)
        self.places.clear()

    def end(self) -> bool:
        """Handle nothing more from this client. Returns True: the parser's turn is over."""
        self.is_ending = self.needs_care = True
        return True

    def malformed(self, line: bytes = MALFORMED) -> bool:
        """What follows cannot be trusted: say so and close, as mcrouter does."""
        self.refuse("malformed")
        self.say_error(Result.BAD_COMMAND, line)
        return self.end()

    def refuse(self, why: str) -> None:
        """Count a client that cannot be served; the connection's shell tells the log."""
        self.service.refused[why] += 1
        self.refused = why

    def waiter(self, value_length: int, quiet: bool) -> Waiter:
        """Who takes the reply of an update: the session itself, unless something must happen first."""
        if quiet or value_length >= LARGE_VALUE:
            return _Aside(self, value_length if value_length >= LARGE_VALUE else 0, quiet)
        return self

    # what the parser asks

    def unknown_command(self, tokens: list[bytes]) -> bool:
        if tokens[-1].startswith(b"HTTP/"):  # a browser, or a request forged through one: not a word
            self.refuse("http")
            return self.end()
        return self.malformed()

    def bad_line(self, tokens: list[bytes]) -> bool:
        return self.malformed(BAD_LINE if tokens[:1] == [b"ms"] else MALFORMED)

    def line_too_long(self) -> bool:
        return self.malformed()

    def value_buffer(self, tokens: list[bytes], size: int) -> bytearray | memoryview | None:
        if size > self.service.limits.value_bytes:
            return None
        return bytearray(size) if size < _LAZY_VALUE else memoryview(mmap.mmap(-1, size))

    def release_buffer(self, buffer: ValueBuffer) -> None:
        """The request that was made of it may still need it."""

    # refusals that leave the connection usable; each returns False: the parser goes on

    def bad_key(self, quiet: bool = False) -> bool:
        """A key longer than any server takes, or with a NUL."""
        return self._refuse_request(Result.BAD_KEY, BAD_KEY, quiet)

    def too_large(self, quiet: bool) -> bool:
        """A value longer than we take was swallowed."""
        return self._refuse_request(Result.BAD_VALUE, TOO_LARGE, quiet)

    def _refuse_request(self, result: Result, line: bytes, quiet: bool) -> bool:
        if quiet:
            self.service.errors[result] += 1
        else:
            self.say_error(result, line)
        return False


class _Aside:
    """Takes a reply before the session: hides it (noreply), or gives back what a large value was held for."""

    __slots__ = ("_length", "_quiet", "_session")

    def __init__(self, session: ClientSession, length: int, quiet: bool) -> None:
        self._session = session
        self._length = length
        self._quiet = quiet
        session.value_bytes += length
        if session.value_bytes > session.service.limits.outstanding_value_bytes:
            session.needs_care = True

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._session.value_bytes -= self._length
        self._session.on_reply(request, result, b"" if self._quiet else raw)
