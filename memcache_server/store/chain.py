"""Items over the largest chunk: their text lies in a chain of chunks (see `chunk`).

A chain is allocated piece by piece; what is not linked yet carries `PIECE` without a first chunk, so that no
page with it is taken away meanwhile.
"""

from collections.abc import Callable

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import EXPTIME, HEADER, LIST_SHIFT, META, NEXT, PIECE, TEXT, TEXT_LENGTH
from memcache_server.store.slab_classes import SlabClasses

_POINTER = 8  # the end of the first chunk's room, where the first piece is named


def _pointer_word(handle: int, chunk_size: int) -> int:
    return (handle << 1) + (chunk_size >> 2) - 1


class Chains:
    """Writes, reads and frees chains. `allocate(class)` gives a chunk or 0; `release(handle, class)` takes it back."""

    __slots__ = ("_allocate", "_arena", "_classes", "_largest", "_release", "first_room")

    def __init__(
        self,
        arena: Arena,
        classes: SlabClasses,
        allocate: Callable[[int], int],
        release: Callable[[int, int], None],
    ) -> None:
        self._arena = arena
        self._classes = classes
        self._allocate = allocate
        self._release = release
        self._largest = classes.sizes[-1]
        self.first_room = self._largest - HEADER - _POINTER  # bytes of text in the first chunk

    def write(self, text: bytes) -> int:
        """Lay out `text`; the handle of the first chunk, not linked anywhere, or 0 when memory ran out."""
        arena, room = self._arena, self._largest - HEADER
        first = self._part(text[: self.first_room], self._classes.count)
        if not first:
            return 0
        arena.words[_pointer_word(first, self._largest)] = 0
        last_word = _pointer_word(first, self._largest)
        for start in range(self.first_room, len(text), room):
            part = text[start : start + room]
            piece = self._part(part, self._classes.class_for(len(part) + HEADER))
            if not piece:
                self.release(first)
                return 0
            arena.words[last_word] = piece
            last_word = (piece << 1) + NEXT
            arena.words[(piece << 1) + EXPTIME] = first
        return first

    def _part(self, part: bytes, slab_class: int) -> int:
        handle = self._allocate(slab_class)
        if handle:
            words, word, at = self._arena.words, handle << 1, (handle << 3) + TEXT
            words[word + NEXT] = 0
            words[word + EXPTIME] = 0
            words[word + TEXT_LENGTH] = len(part)
            words[word + META] = PIECE | slab_class << LIST_SHIFT
            self._arena.bytes[at : at + len(part)] = part
        return handle

    def pieces(self, first: int) -> list[int]:
        """The chunks behind the first one."""
        words, found = self._arena.words, []
        piece = words[_pointer_word(first, self._largest)]
        while piece:
            found.append(piece)
            piece = words[(piece << 1) + NEXT]
        return found

    def read(self, first: int) -> bytes:
        """The whole text."""
        data, words, at = self._arena.bytes, self._arena.words, (first << 3) + TEXT
        # the original's size decides that an item is a chain: its text can still fit the first chunk
        parts = [data[at : at + min(self.first_room, words[(first << 1) + TEXT_LENGTH])]]
        for piece in self.pieces(first):
            at = (piece << 3) + TEXT
            parts.append(data[at : at + words[(piece << 1) + TEXT_LENGTH]])
        return b"".join(parts)

    def release(self, first: int) -> None:
        """Free the first chunk and all pieces."""
        words = self._arena.words
        for piece in self.pieces(first):
            self._release(piece, words[(piece << 1) + META] >> LIST_SHIFT & 0x3F)
        self._release(first, self._classes.count)
