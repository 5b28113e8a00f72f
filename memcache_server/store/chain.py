"""Items over the largest chunk: their text lies in a chain of chunks (see `chunk`). Keeps invariant I2 for pieces.

A chain grows piece by piece, as its text comes; until it is linked its chunks carry `PIECE` and the first one names
no other, so that nobody takes a page with them away.
"""

from collections.abc import Callable

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import (
    EXPTIME,
    GAP_MASK,
    GAP_SHIFT,
    HAS_FLAGS,
    KEY_LENGTH_MASK,
    LIST_SHIFT,
    META,
    NEXT,
    PIECE,
    PIECE_OVERHEAD,
    TEXT,
    TEXT_LENGTH,
    first_chunk_size,
)
from memcache_server.store.slab_classes import SlabClasses

_CLASS_MASK = 0x3F
_ABOUT_KEY = KEY_LENGTH_MASK | GAP_MASK << GAP_SHIFT | HAS_FLAGS


class Chains:
    """Makes, reads and frees chains. `allocate(class)` gives a chunk or 0; `release(handle, class)` takes it back."""

    __slots__ = ("_allocate", "_arena", "_classes", "_release", "room")

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
        self.room = classes.sizes[-1] - PIECE_OVERHEAD  # bytes of the value in a piece

    def begin(self, meta: int, text_length: int) -> int:
        """The first chunk for an item with such a meta word and a text of this length; its handle, or 0: no memory."""
        first = self._chunk(self._first_class(meta), text_length)
        if first:
            # what the item's own meta will say of its key decides where the pieces are named and the value begins
            self._arena.words[(first << 1) + META] = PIECE | meta & _ABOUT_KEY | self._classes.count << LIST_SHIFT
            self._arena.words[self._pointer_word(first)] = 0
        return first

    def extend(self, first: int, last: int, length: int) -> int:
        """A piece for `length` more bytes behind chunk `last` of the chain `first`; its handle, or 0.

        A last piece whose own class has no room may be one of the largest, as the original's.
        """
        words = self._arena.words
        piece = self._chunk(self._classes.class_for(length + PIECE_OVERHEAD), length)
        piece = piece or self._chunk(self._classes.count, length)
        if piece:
            words[(piece << 1) + EXPTIME] = first
            words[self._pointer_word(first) if last == first else (last << 1) + NEXT] = piece
        return piece

    def _chunk(self, slab_class: int, text_length: int) -> int:
        handle = self._allocate(slab_class)
        if handle:
            words, word = self._arena.words, handle << 1
            words[word + NEXT] = 0
            words[word + EXPTIME] = 0
            words[word + TEXT_LENGTH] = text_length
            words[word + META] = PIECE | slab_class << LIST_SHIFT
        return handle

    def _first_class(self, meta: int) -> int:
        return self._classes.class_for(first_chunk_size(meta))

    def class_of(self, first: int) -> int:
        """The slab class of a first chunk."""
        return self._first_class(self._arena.words[(first << 1) + META])

    def _pointer_word(self, first: int) -> int:
        return (first << 1) + (self._classes.sizes[self.class_of(first) - 1] >> 2) - 1

    def pieces(self, first: int) -> list[int]:
        """The chunks behind the first one."""
        words, found = self._arena.words, []
        piece = words[self._pointer_word(first)]
        while piece:
            found.append(piece)
            piece = words[(piece << 1) + NEXT]
        return found

    def spans(self, first: int) -> list[tuple[int, int]]:
        """Where the text lies: byte offset in the arena and length of each part, first that before the value."""
        words = self._arena.words
        meta = words[(first << 1) + META]
        found = [((first << 3) + TEXT, (meta & KEY_LENGTH_MASK) + (meta >> GAP_SHIFT & GAP_MASK))]
        found += [((piece << 3) + TEXT, words[(piece << 1) + TEXT_LENGTH]) for piece in self.pieces(first)]
        return found

    def release(self, first: int) -> None:
        """Free the first chunk and all pieces."""
        words = self._arena.words
        for piece in self.pieces(first):
            self._release(piece, words[(piece << 1) + META] >> LIST_SHIFT & _CLASS_MASK)
        self._release(first, self.class_of(first))

    def replace_piece(self, first: int, piece: int, by: int) -> None:
        """Let `by`, a copy of a piece, take its place in the chain `first`."""
        words = self._arena.words
        word = self._pointer_word(first)
        while words[word] != piece:
            word = (words[word] << 1) + NEXT
        words[word] = by

    def name_first(self, first: int) -> None:
        """Let the pieces of a chain whose first chunk was copied to `first` name it."""
        for piece in self.pieces(first):
            self._arena.words[(piece << 1) + EXPTIME] = first
