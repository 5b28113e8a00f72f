"""One client's get of very many keys: piece by piece, so that others get their turn in between. Pure.

get k1 … k100000 ──► k1 … k1000 ──reply──► next turn: k1001 … ──► ... ──► one reply, in the client's order

A piece is a MultiGet like any other. The first error ends it: it is the whole reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mcproto.encode import END, OUT_OF_MEMORY
from mcproto.limits import KEY_MAX
from mcproxy.multiget import MultiGet, Router
from mcproxy.outcome import FIRST_ERROR, OUTCOMES, Result
from mcproxy.request import Op, Request, Waiter

PIECE_KEYS = 1000
"""Keys sent in one turn: two milliseconds' work."""

_PIECE_BYTES = 16 * 1024  # of the line, split in one go

_FOUND = Result.FOUND.value


def pieces_of_line(line: bytes, start: int) -> Iterator[list[bytes]]:
    """The keys in `line` from `start` on, some at a time: to split eight megabytes takes twenty times that."""
    while start < len(line):
        end = line.find(b" ", start + _PIECE_BYTES)
        end = len(line) if end < 0 else end
        yield from pieces_of_list([key for key in line[start:end].split(b" ") if key])
        start = end


def pieces_of_list(keys: list[bytes]) -> Iterator[list[bytes]]:
    """`keys`, some at a time."""
    for at in range(0, len(keys), PIECE_KEYS):
        yield keys[at : at + PIECE_KEYS]


class LongGet:
    """A place in the client's line; `is_wanted` says whether anybody is still there to read the reply."""

    __slots__ = ("_above", "_begin", "_blocks", "_is_wanted", "_later", "_part", "_pieces", "_size", "reply")

    def __init__(
        self,
        pieces: Iterator[list[bytes]],
        begin: Callable[[list[bytes], Waiter], tuple[MultiGet, Router]],
        above: Waiter,
        later: Callable[[Callable[[], None]], object],
        is_wanted: Callable[[], bool],
    ) -> None:
        """`begin` makes a piece's get, `later` calls in one of the next turns."""
        self.reply: bytes | None = None
        self._pieces = pieces
        self._begin = begin
        self._above = above
        self._later = later
        self._is_wanted = is_wanted
        self._blocks: list[bytes] = []
        self._size = 0
        self._part: MultiGet | None = None

    @property
    def held_bytes(self) -> int:
        """What waits here for the rest."""
        return self._size + (self._part.held_bytes if self._part else 0)

    def go_on(self) -> None:
        """Ask for the next piece."""
        if self.reply is not None or not self._is_wanted():
            return
        keys = next(self._pieces, None)
        if keys is None:
            self._finish(_FOUND, b"".join((*self._blocks, END)))
        elif max(map(len, keys)) > KEY_MAX:
            self._finish(Result.BAD_KEY, OUTCOMES[Result.BAD_KEY].line)
        else:
            self._part, router = self._begin(keys, self)
            self._part.send(router)

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A piece is answered."""
        self._part = None
        if self.reply is not None:
            return
        if result >= FIRST_ERROR:
            self._finish(result, raw)
            return
        self._blocks.append(raw[: -len(END)])
        self._size += len(raw) - len(END)
        self._later(self.go_on)

    def give_up(self) -> None:
        """It takes too much memory: that is the reply."""
        if self._part is not None:
            self._part.forget()
        self._finish(Result.LOCAL_ERROR, OUT_OF_MEMORY)

    def forget(self) -> None:
        """Nobody is there to read it."""
        self.reply, self._pieces, self._blocks, self._size = b"", iter(()), [], 0
        if self._part is not None:
            self._part.forget()

    def _finish(self, result: int, reply: bytes) -> None:
        self.reply = reply
        self._pieces, self._blocks, self._size = iter(()), [], 0
        self._above.on_reply(Request(Op.GET, b"", b"", self), result, reply)
