"""One client's get of several keys: a request per key, one reply. Pure.

get a b c ──► a ──► server 1 ─┐
              b ──► server 2 ─┼──► VALUE a … VALUE c … END, in the client's order; misses are silent
              c ──► server 1 ─┘    or the first error, alone
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproto.encode import END
from mcproxy.outcome import FIRST_ERROR, Result
from mcproxy.request import Request, Waiter

_FOUND, _END_LENGTH = Result.FOUND.value, len(END)


class MultiGet:
    """Waits for its parts; then it hands itself, as a place with a reply, to the client's session."""

    __slots__ = ("_above", "_error", "_left", "_result", "parts", "reply")

    def __init__(self, op: int, start: bytes, keys: Sequence[bytes], above: Waiter) -> None:
        """`start` is the line before a key: b"get ", or b"gat 60 "."""
        self.reply: bytes | None = None
        self.parts = [Request(op, key, b"%b%b\r\n" % (start, key), self) for key in keys]
        self._above = above
        self._left = len(keys)
        self._error = b""
        self._result = Result.FOUND.value

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A part is answered."""
        if result == _FOUND:
            request.reply = raw
        elif result >= FIRST_ERROR and not self._error:
            self._error, self._result = raw, result
        self._left -= 1
        if not self._left:
            self._join()

    def _join(self) -> None:
        if self._error:
            self.reply = self._error
        else:
            pieces = [part.reply[:-_END_LENGTH] for part in self.parts if part.reply is not None]
            pieces.append(END)
            self.reply = b"".join(pieces)
        last = self.parts[-1]
        self.parts = []
        self._above.on_reply(last, self._result, self.reply)
