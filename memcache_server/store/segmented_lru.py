"""LRU lists: one for each class and segment, linked through the chunk headers. Keeps invariants I1 and I6.

A list's number is the class in the low six bits and the segment in the high two, as in an item's meta word.
Items enter at the head and leave at the tail. What the segments are for: HOT has the new items, WARM those that
were used twice or more, COLD the rest, from which evictions come; TEMP those that will expire soon anyway.
"""

from memcache_server.store.arena import Arena

HOT, WARM, COLD, TEMP = 0, 64, 128, 192
"""Segments, as added to a class number to make a list number."""

CLASS_MASK = 0x3F
SEGMENT_MASK = 0xC0
_LISTS = 256


class SegmentedLru:
    """The only writer of linked chunks' next and prev."""

    __slots__ = ("_longs", "_nexts", "_prevs", "count", "head", "sizes", "tail")

    def __init__(self, arena: Arena) -> None:
        self._longs = arena.longs
        self._nexts = arena.nexts
        self._prevs = arena.prevs
        self.head = [0] * _LISTS
        self.tail = [0] * _LISTS
        self.count = [0] * _LISTS
        self.sizes = [0] * _LISTS  # sum of the item sizes

    def link(self, handle: int, number: int, size: int) -> None:
        """Enter an item of `size` bytes at the head of list `number`."""
        head = self.head[number]
        self._longs[handle] = head  # next, and no prev
        if head:
            self._prevs[head] = handle
        else:
            self.tail[number] = handle
        self.head[number] = handle
        self.count[number] += 1
        self.sizes[number] += size

    def unlink(self, handle: int, number: int, size: int) -> None:
        """Take an item out of list `number`."""
        following, before = self._nexts[handle], self._prevs[handle]
        if before:
            self._nexts[before] = following
        else:
            self.head[number] = following
        if following:
            self._prevs[following] = before
        else:
            self.tail[number] = before
        self.count[number] -= 1
        self.sizes[number] -= size

    def drop_tail(self, number: int, before: int, size: int) -> None:
        """Take the item at the tail of a list out of it; `before` is the one before it, or 0."""
        self.tail[number] = before
        if before:
            self._nexts[before] = 0
        else:
            self.head[number] = 0
        self.count[number] -= 1
        self.sizes[number] -= size

    def replace(self, handle: int, by: int, number: int) -> None:
        """Let `by`, a copy of an item, take its place in list `number`."""
        following, before = self._nexts[handle], self._prevs[handle]
        if before:
            self._nexts[before] = by
        else:
            self.head[number] = by
        if following:
            self._prevs[following] = by
        else:
            self.tail[number] = by

    def move(self, handle: int, number: int, target: int, size: int) -> None:
        """Take an item out of list `number` and enter it at the head of list `target`."""
        nexts, prevs = self._nexts, self._prevs
        following, before = nexts[handle], prevs[handle]
        if before:
            nexts[before] = following
        else:
            self.head[number] = following
        if following:
            prevs[following] = before
        else:
            self.tail[number] = before
        self._longs[handle] = head = self.head[target]
        if head:
            prevs[head] = handle
        else:
            self.tail[target] = handle
        self.head[target] = handle
        self.count[number] -= 1
        self.count[target] += 1
        self.sizes[number] -= size
        self.sizes[target] += size

    def resize(self, number: int, change: int) -> None:
        """An item of list `number` has grown by `change` bytes."""
        self.sizes[number] += change

    def to_head(self, handle: int, number: int) -> None:
        """Move an item to the head of its list."""
        # unlink and link in one, without what they would do and undo: every set over a new item comes here
        head = self.head[number]
        if head != handle:
            nexts, prevs = self._nexts, self._prevs
            following, before = nexts[handle], prevs[handle]
            nexts[before] = following
            if following:
                prevs[following] = before
            else:
                self.tail[number] = before
            self._longs[handle] = head  # next, and no prev
            prevs[head] = handle
            self.head[number] = handle

    def tail_to(self, number: int, target: int, first: int, count: int, size: int) -> None:
        """Move the `count` items from `first` to the tail, `size` bytes in all, to the head of list `target`."""
        nexts, prevs, last = self._nexts, self._prevs, self.tail[number]
        before = prevs[first]
        self.tail[number] = before
        if before:
            nexts[before] = 0
        else:
            self.head[number] = 0
        self.count[number] -= count
        self.sizes[number] -= size
        head = self.head[target]
        nexts[last] = head
        if head:
            prevs[head] = last
        else:
            self.tail[target] = last
        prevs[first] = 0
        self.head[target] = first
        self.count[target] += count
        self.sizes[target] += size

    def handles(self, number: int) -> list[int]:
        """The items of a list, head first, for checks and dumps."""
        found, handle = [], self.head[number]
        while handle:
            found.append(handle)
            handle = self._nexts[handle]
        return found
