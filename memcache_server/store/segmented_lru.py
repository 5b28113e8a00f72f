"""LRU lists: one for each class and segment, linked through the chunk headers. Keeps invariants I1 and I6.

A list's number is the class in the low six bits and the segment in the high two, as in an item's meta word.
New items enter at the head; a hit only sets bits; items leave at the tail.
"""

from mcproto.limits import U32
from memcache_server.store.arena import Arena
from memcache_server.store.chunk import NEXT, PREV

HOT, WARM, COLD, TEMP = 0, 64, 128, 192
"""Segments, as added to a class number to make a list number."""

CLASS_MASK = 0x3F
_LISTS = 256


class SegmentedLru:
    """The only writer of linked chunks' next and prev."""

    __slots__ = ("_longs", "_words", "count", "head", "sizes", "tail")

    def __init__(self, arena: Arena) -> None:
        self._words = arena.words
        self._longs = arena.longs
        self.head = [0] * _LISTS
        self.tail = [0] * _LISTS
        self.count = [0] * _LISTS
        self.sizes = [0] * _LISTS  # sum of the item sizes

    def link(self, handle: int, number: int, size: int) -> None:
        """Enter an item of `size` bytes at the head of list `number`."""
        words, head = self._words, self.head[number]
        self._longs[handle] = head  # next, and no prev
        if head:
            words[(head << 1) + PREV] = handle
        else:
            self.tail[number] = handle
        self.head[number] = handle
        self.count[number] += 1
        self.sizes[number] += size

    def unlink(self, handle: int, number: int, size: int) -> None:
        """Take an item out of list `number`."""
        words, word = self._words, handle << 1
        following, before = words[word + NEXT], words[word + PREV]
        if before:
            words[before << 1] = following
        else:
            self.head[number] = following
        if following:
            words[(following << 1) + PREV] = before
        else:
            self.tail[number] = before
        self.count[number] -= 1
        self.sizes[number] -= size

    def resize(self, number: int, change: int) -> None:
        """An item of list `number` has grown by `change` bytes."""
        self.sizes[number] += change

    def to_head(self, handle: int, number: int) -> None:
        """Move an item to the head of its list."""
        # unlink and link in one, without what they would do and undo: every set over an item comes here
        head = self.head[number]
        if head != handle:
            words, links = self._words, self._longs[handle]
            following, before = links & U32, links >> 32
            words[before << 1] = following
            if following:
                words[(following << 1) + PREV] = before
            else:
                self.tail[number] = before
            self._longs[handle] = head  # next, and no prev
            words[(head << 1) + PREV] = handle
            self.head[number] = handle

    def handles(self, number: int) -> list[int]:
        """The items of a list, head first, for checks and dumps."""
        found, handle = [], self.head[number]
        while handle:
            found.append(handle)
            handle = self._words[handle << 1]
        return found
