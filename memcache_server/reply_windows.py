"""Replies with large values: sent from where the values lie, a window at a time.

The transport gets the next window when the client's socket has taken the one before. So a client that does not read
keeps an item's bytes in the store, where they count towards its limit, and hardly anything beside it. Through TLS a
window is copied, since it is encrypted as a whole.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from memcache_server.store import LargeText
from memcache_server.store.large_text import WINDOW

_UNCOPIED = 1 << 19
"""Bytes of a window that is not copied: fewer system calls, and the client's socket takes what it can."""


class ReplyWindows:
    """The rest of one turn's replies."""

    __slots__ = ("_copied", "_done", "_pieces", "_transport", "held")

    def __init__(self, transport: asyncio.Transport, pieces: Iterable[bytes | LargeText]) -> None:
        self._transport = transport
        self._pieces = deque(pieces)
        self._done: list[LargeText] = []  # handed over to the end, but perhaps not yet taken
        self._copied = transport.get_extra_info("sslcontext") is not None
        self.held = 0  # bytes beside the store's memory that the transport may hold
        # it shall tell when it is empty; TLS takes a limit as reached, not as passed
        transport.set_write_buffer_limits(high=1 if self._copied else 0, low=0)

    def send(self, most: int) -> tuple[bool, int]:
        """Hand over windows until the transport keeps one, or has taken `most` bytes.

        Whether all is taken by the client's socket, and how many bytes were handed over.
        """
        sent = 0
        while sent < most and not self._transport.get_write_buffer_size():
            self._release_done()
            window = self._next_window()
            if not window:
                return True, sent
            self.held = sum(len(part) for part in window if self._copied or isinstance(part, bytes))
            sent += sum(map(len, window))
            if self._copied:
                self._transport.write(b"".join(window))
            else:
                self._transport.writelines(window)
        return False, sent

    def send_rest(self) -> int:
        """Hand over all that is left, copied; how many bytes."""
        sent = 0
        while window := self._next_window():
            sent += sum(map(len, window))
            self._transport.write(b"".join(window))
        self._release_done()
        return sent

    def _next_window(self) -> list[bytes | memoryview]:
        parts: list[bytes | memoryview] = []
        room = WINDOW if self._copied else _UNCOPIED
        while self._pieces and room > 0:
            piece = self._pieces[0]
            if isinstance(piece, bytes):
                parts.append(piece)
                room -= len(piece)
                self._pieces.popleft()
                continue
            if piece.head:
                parts.append(piece.head)
                piece.head = b""
            if part := piece.window(room):
                parts.append(part)
                room -= len(part)
            else:
                self._done.append(piece)
                self._pieces.popleft()
        return parts

    def _release_done(self) -> None:
        while self._done:
            self._done.pop().release()

    def release(self) -> None:
        """The client has gone."""
        self._release_done()
        for piece in self._pieces:
            if isinstance(piece, LargeText):
                piece.release()
        self._pieces.clear()
