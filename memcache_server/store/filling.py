"""A value in flight: it comes in pieces, and each goes straight to its place in the store's memory.

Its chunks are the busy ones of invariant I2.
"""

from collections.abc import Callable

from memcache_server.store.arena import Arena
from memcache_server.store.chain import Chains
from memcache_server.store.chunk import TEXT


class Filling:
    """An item that is being laid out: buffer for the bytes of its value, to be written once each and in order.

    Its chunks are busy until the store links or abandons it; after that `handle` is 0. A chain's pieces are allocated
    as the bytes come; when there is no memory for one, what there is goes back by `give_up`, the rest is dropped.
    """

    __slots__ = ("_arena", "_at", "_chain", "_end", "_give_up", "_last", "_left", "handle", "meta", "tail",
                 "text_length", "value_length")  # fmt: skip

    def __init__(self, arena: Arena, handle: int, meta: int, text_length: int, value_length: int) -> None:
        self._arena = arena
        self._at = (handle << 3) + TEXT  # where the next byte goes
        self._end = self._at + text_length  # and where the chunk ends
        self._left = 0  # bytes for further chunks
        self._last = self.handle = handle
        self.meta = meta  # of the item once it is linked, but for its list and LINKED
        self.text_length = text_length
        self.value_length = value_length
        self.tail = b""  # the last two bytes that came

    def grow_by(self, chain: Chains, give_up: Callable[["Filling"], None]) -> None:
        """The chunk is a chain's first: others will follow."""
        self._chain, self._give_up = chain, give_up
        self._left = self.value_length
        self._end -= self.value_length

    def __len__(self) -> int:
        """Of the value with its CRLF."""
        return self.value_length

    def __setitem__(self, where: slice, data: bytes | memoryview) -> None:
        """Take what comes next, which is what belongs at `where`."""
        self.tail = (self.tail + bytes(data[-2:]))[-2:]
        self.write(data)

    def write(self, data: bytes | memoryview) -> None:
        """Lay out what comes next of the text."""
        while data and self.handle:
            room = self._end - self._at
            if not room:
                self._next_chunk()
            elif len(data) <= room:
                self._arena.bytes[self._at : self._at + len(data)] = data
                self._at += len(data)
                return
            else:
                data = memoryview(data)
                self._arena.bytes[self._at : self._end] = data[:room]
                self._at, data = self._end, data[room:]

    def _next_chunk(self) -> None:
        length = min(self._left, self._chain.room)
        self._last = self._chain.extend(self.handle, self._last, length)
        if self._last:
            self._at = (self._last << 3) + TEXT
            self._end = self._at + length
            self._left -= length
        else:
            self._give_up(self)
