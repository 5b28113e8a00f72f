"""Frames requests: bytes in, handler calls out.

A connection's bytes are in one of four states, and no byte is looked at twice:

    LINE      a command line has begun and its end has not come; the search goes on where it stopped
    VALUE     a storage line declared N bytes; N + 2 are counted into one buffer of that size
    SWALLOW   the same, but the context wants none of it (too large); the bytes are counted and dropped
    PAUSED    whole requests wait because the turn is over; `resume()` goes on with them

The length in the line decides where a value ends, never its contents (protocol.txt, "Storage commands").
The parser knows no command: a table maps a command word to a handler and to the token that declares a
value's length. Server and proxy hand in their own tables and contexts.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from mcproto.grammar import SMALL_NUMBERS
from mcproto.limits import GET_LINE_MAX, LINE_MAX, LONG_LINE, VALUE_MAX

ValueBlock = bytes | bytearray | memoryview | None
"""A value with the two bytes that should be its line end, right or wrong; None when it was swallowed.

A value that came in pieces is the buffer that the context gave for it.
"""


ShortWay = Callable[[Any, bytes, int, int], int]


class ValueBuffer(Protocol):
    """Room for a value. Its bytes are written once each, in order."""

    def __len__(self) -> int:
        """All bytes, with the line end."""

    def __setitem__(self, where: slice, data: bytes | memoryview, /) -> None:
        """Take the bytes that belong there."""


def _length(digits: bytes) -> int:
    """A value's declared length; negative if it is none, or one that no server takes."""
    if not digits.isdigit() or len(digits) > 11:
        return -1
    length = int(digits)
    return length if length <= VALUE_MAX else -1


class Command(NamedTuple):
    """A row of a command table.

    `handler(context, tokens)`, or `handler(context, tokens, value)` when `value_token` is not 0: then
    that token declares the value's length. A handler returns True to end the turn (quit, a full reply
    buffer); the parser then keeps the rest for `resume()`.

    `long_handler(context, line)`, if there is one, takes the place of `handler` for a line over LONG_LINE that
    came in pieces: split into tokens, eight megabytes of keys would take twenty times that.
    """

    handler: Callable[..., bool | None]
    value_token: int = 0
    long_handler: Callable[..., bool | None] | None = None


class RequestContext(Protocol):
    """What a parser asks of its surroundings. Each may return True to end the turn."""

    def unknown_command(self, tokens: list[bytes]) -> bool | None:
        """A line whose first word is not in the table."""

    def bad_line(self, tokens: list[bytes]) -> bool | None:
        """A line too short, or a storage line without a usable length: no value is expected after it."""

    def line_too_long(self) -> bool | None:
        """A line has passed its limit with no end in sight; framing is lost."""

    def value_buffer(self, tokens: list[bytes], size: int) -> ValueBuffer | None:
        """Room for a value that comes in pieces, `size` bytes with its line end, or None to drop it."""

    def release_buffer(self, buffer: ValueBuffer) -> None:
        """Its command has been handled, or the peer has gone before the value was whole."""


def no_short_way(context: Any, data: bytes, position: int, most: int) -> int:
    """A short way for no request."""
    return position


class RequestParser:
    """One connection's request framing. `turn` bounds the requests handled by one call.

    `short_way(context, data, position, turn)` may handle requests from `position` by itself. It returns where they
    end, or the complement of that number to end the turn. It is asked where a request begins, before anything else.
    """

    __slots__ = ("_buffer", "_commands", "_context", "_fill", "_held", "_position", "_short_way", "_swallow",
                 "_tokens", "_turn")  # fmt: skip

    def __init__(self, commands: Mapping[bytes, Command], context: RequestContext, turn: int = 256,
                 short_way: ShortWay = no_short_way) -> None:  # fmt: skip
        self._commands = commands
        self._context = context
        self._turn = turn
        self._short_way = short_way
        self._held: bytes | bytearray | None = None  # LINE: the line so far; PAUSED: the read not handled to its end
        self._buffer: ValueBuffer | None = None  # VALUE
        self._position = 0  # VALUE: bytes filled; PAUSED: where to go on
        self._fill: Callable[[bytes | memoryview], int] | None = None  # what takes the next bytes in VALUE and SWALLOW
        self._swallow = 0  # SWALLOW: bytes to come
        self._tokens: list[bytes] = []  # VALUE, SWALLOW: the line

    @property
    def mid_request(self) -> bool:
        """Whether the peer owes the rest of a request, or requests wait for `resume()`."""
        return self._held is not None or self._fill is not None

    @property
    def held(self) -> int:
        """Bytes kept of a request that is not whole, or of requests that wait for `resume()`.

        Of a value those in a plain buffer: what else the context keeps them in is its own affair.
        """
        if self._fill is not None:
            return self._position if isinstance(self._buffer, bytearray | memoryview) else 0
        return len(self._held) if self._held is not None else 0

    def feed(self, data: bytes, position: int = 0) -> bool:
        """Handle what has come. True: the turn ended early, call `resume()` soon; False: all is handled.

        From `position`, if no request has begun before; else all of `data` is new.
        """
        if self._held is None and self._fill is None:
            position = self._short_way(self._context, data, position, self._turn)
            if position == len(data):
                return False
            return self._pause(data, ~position) if position < 0 else self._run(data, position, position)
        if self._fill is None:
            return self._feed_line(data)
        used = self._fill(data)
        if used < 0:
            return False
        if self._call_with_value():
            return self._pause(data, used)
        return used < len(data) and self.feed(data, used)

    def resume(self) -> bool:
        """Go on with the requests that an ended turn left behind. Returns as `feed`."""
        if self._fill is not None or not isinstance(self._held, bytes):
            return False
        data, self._held = self._held, None
        return self.feed(data, self._position)

    def _run(self, data: bytes, position: int, searched: int) -> bool:
        """Handle whole requests of `data` from `position`; no newline stands between it and `searched`."""
        context, find, lookup = self._context, data.find, self._commands.get
        size, lengths = len(data), SMALL_NUMBERS
        for _ in range(self._turn):
            end = find(b"\n", searched)
            if end < 0:
                return self._hold_line(data, position)
            if end - position < 3:
                # fewer than four bytes with the line's end (1.6.42 answers so; 1.6.18 says ERROR)
                ended = context.bad_line([])
                position = searched = end + 1
            else:
                tokens = data[position : end - 1 if data[end - 1] == 13 else end].split(b" ")
                if not all(tokens) and tokens[0]:
                    tokens = [token for token in tokens if token]
                command = lookup(tokens[0])
                position = searched = end + 1
                if command is None:
                    ended = context.unknown_command(tokens)
                elif not command[1]:
                    ended = command[0](context, tokens)
                else:
                    digits = tokens[command[1]] if len(tokens) > command[1] else b""
                    length = lengths.get(digits, -1)
                    if length < 0 and (length := _length(digits)) < 0:
                        ended = context.bad_line(tokens)
                    else:
                        position = searched = end + 3 + length
                        if position > size:
                            return self._hold_value(memoryview(data)[end + 1 :], tokens, length + 2)
                        ended = command[0](context, tokens, data[end + 1 : position])
            if ended:
                return self._pause(data, position)
            if position == size:
                return False
        return self._pause(data, position)

    def _pause(self, data: bytes, position: int) -> bool:
        """PAUSED, or idle when nothing is left."""
        if position < len(data):
            self._held, self._position = data, position
        return True

    def forget(self) -> None:
        """The peer has gone: let go of what it began."""
        self._held = self._fill = None
        self._tokens = []
        self._release_buffer()

    # LINE

    def _hold_line(self, data: bytes, position: int) -> bool:
        rest = data[position:]
        if len(rest) > LINE_MAX and self._is_over_long(rest):
            return bool(self._context.line_too_long())
        self._held = bytearray(rest)
        return False

    def _feed_line(self, data: bytes) -> bool:
        held = self._held
        if isinstance(held, bytes):  # PAUSED: more came before the rest was handled
            self._held, self._position = held[self._position :] + data, 0
            return True
        assert isinstance(held, bytearray)
        end = data.find(b"\n")
        if end >= 0:
            self._held = None
            if len(held) + end > LONG_LINE:
                return self._run_long(bytes(held) + data[:end], data[end + 1 :])
            return self._run(bytes(held) + data, 0, len(held) + end)
        held += data
        if len(held) > LINE_MAX and self._is_over_long(held):
            self._held = None
            return bool(self._context.line_too_long())
        return False

    def _run_long(self, line: bytes, rest: bytes) -> bool:
        command = self._commands.get(line[:8].partition(b" ")[0])
        if command is None or command.long_handler is None:
            return self._run(b"%b\n%b" % (line, rest), 0, len(line))
        if command.long_handler(self._context, line.removesuffix(b"\r")):
            return self._pause(rest, 0)
        return bool(rest) and self.feed(rest)

    @staticmethod
    def _is_over_long(line: bytes | bytearray) -> bool:
        """Only get and gets may pass LINE_MAX, after at most 100 blanks (memcached.c try_read_command)."""
        head = bytes(line[:106])
        words = head.lstrip(b" ")
        is_get = words.startswith((b"get ", b"gets ")) and len(head) - len(words) <= 100
        return not is_get or len(line) > GET_LINE_MAX

    # VALUE and SWALLOW

    def _hold_value(self, begun: memoryview, tokens: list[bytes], size: int) -> bool:
        self._tokens = tokens
        self._buffer = self._context.value_buffer(tokens, size)
        self._position, self._swallow = 0, size
        self._fill = self._drop if self._buffer is None else self._collect
        self._fill(begun)
        return False

    def _collect(self, data: bytes | memoryview) -> int:
        """VALUE: copy what belongs to the value. How many bytes of `data` ended it, or -1 if it goes on."""
        buffer, filled = self._buffer, self._position
        assert buffer is not None
        used = len(buffer) - filled
        if used > len(data):
            buffer[filled : filled + len(data)] = data
            self._position = filled + len(data)
            return -1
        buffer[filled : filled + used] = data[:used]
        self._fill = None
        return used

    def _drop(self, data: bytes | memoryview) -> int:
        """SWALLOW: count what belongs to the value. Returns as `_collect`."""
        used = self._swallow
        if used > len(data):
            self._swallow -= len(data)
            return -1
        self._fill = None
        return used

    def _call_with_value(self) -> bool | None:
        tokens, self._tokens = self._tokens, []
        try:
            return self._commands[tokens[0]].handler(self._context, tokens, self._buffer)
        finally:
            self._release_buffer()

    def _release_buffer(self) -> None:
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            self._context.release_buffer(buffer)
