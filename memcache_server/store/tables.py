"""The store's small numbers (list heads, free lists, page owners) as integer arrays in one mapping.

They stand outside the Python heap like the items, so that all of the store's state is in its buffers.
"""

import mmap


class Tables:
    """Hands out arrays of unsigned integers, all 0, cut from one mapping of `size` bytes."""

    __slots__ = ("_map", "_used")

    def __init__(self, size: int) -> None:
        self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._used = 0

    def words(self, count: int) -> memoryview:
        """An array of `count` 32-bit integers."""
        return self._take(count * 4).cast("I")

    def longs(self, count: int) -> memoryview:
        """An array of `count` 64-bit integers."""
        return self._take(count * 8).cast("Q")

    def _take(self, size: int) -> memoryview:
        start = self._used
        self._used += size + -size % 8
        if self._used > len(self._map):
            raise ValueError("the tables do not fit their mapping")
        return memoryview(self._map)[start : start + size]
