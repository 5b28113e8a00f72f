"""Laying out items and linking them, in place of others or not. Keeps invariants I1 and I4.

What a command means is `store`'s; this is what it is made of.
"""

from bisect import bisect_left

from memcache_server.store.chunk import (
    CHUNKED,
    GAP_SHIFT,
    HAS_FLAGS,
    HAS_TTL,
    ITEM_OVERHEAD,
    LINKED,
    LIST_MASK,
    LIST_SHIFT,
    META,
    STATE,
    STATE_AT,
    TEXT,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.room import RoomMaker
from memcache_server.store.segmented_lru import CLASS_MASK, COLD

_PLACE_MASK = LIST_MASK << LIST_SHIFT | CHUNKED  # what must agree for a chunk to be written over

STORED, NOT_STORED, EXISTS, NOT_FOUND, TOO_LARGE, NO_MEMORY, NON_NUMERIC = range(7)
"""How an attempt to store ended."""


class LinkedItems(RoomMaker):
    """Writes items."""

    __slots__ = ()

    def _next_cas(self) -> int:
        self._cas += self._cas_step
        return self._cas

    def _write(self, key: bytes, flags: bytes, exptime: int, value: bytes, old: int) -> int:
        """Lay out and link an item in place of `old` (0: none). STORED, TOO_LARGE or NO_MEMORY (old stays)."""
        key_length, value_length = len(key), len(value)
        text = b"VALUE %b %b %d\r\n%b" % (key, flags, value_length - 2, value)
        text_length = len(text)
        size = key_length + value_length + ITEM_OVERHEAD
        meta = key_length | (text_length - value_length - key_length) << GAP_SHIFT | LINKED
        if flags != b"0":
            size += 4
            meta |= HAS_FLAGS
        if exptime:
            meta |= HAS_TTL
        if size > self.options.item_size_max:
            return TOO_LARGE
        slab_class = bisect_left(self.classes.sizes, size) + 1
        arena = self._arena
        if slab_class > self.classes.count:
            handle = self._chain_for(key, size, text, old)
            number = self.classes.count | COLD
            meta |= CHUNKED
        else:
            number = slab_class | COLD
            words, word = arena.words, old << 1
            if old and words[word + META] & _PLACE_MASK == number << LIST_SHIFT:
                # the same class: written over, the item only moves to the head
                handle = old
                change = size - item_size(words[word + TEXT_LENGTH], words[word + META])
                if change:
                    self.lru.resize(number, change)
                self.lru.to_head(old, number)
            else:
                handle = self._chunk_for(key, size, number, old)
            at = (handle << 3) + TEXT
            if handle:
                arena.bytes[at : at + text_length] = text
        if not handle:
            self.stats.outofmemory[number & CLASS_MASK] += 1
            return NO_MEMORY
        self._cas = unique = self._cas + self._cas_step
        at, meta = (handle << 3) + STATE_AT, meta | number << LIST_SHIFT
        STATE.pack_into(arena.bytes, at, exptime, self._access, text_length, meta, unique)
        self.stats.stores[number & CLASS_MASK] += 1
        return STORED

    def _chunk_for(self, key: bytes, size: int, number: int, old: int) -> int:
        """Another chunk for an item than that of `old`, linked in its place; 0 when there is none."""
        handle = self._allocate(number & CLASS_MASK, old)
        if handle:
            self._link_over(handle, key, size, number, old)
        return handle

    def _chain_for(self, key: bytes, size: int, text: bytes, old: int) -> int:
        """A chain with `text`, linked in place of `old`; 0 when there is no room."""
        handle = self._chains.write(text)
        if handle:
            self._link_over(handle, key, size, self.classes.count | COLD, old)
        return handle

    def _link_over(self, handle: int, key: bytes, size: int, number: int, old: int) -> None:
        # making room may have evicted the old one; its chunk may be ours now, but is not linked again yet
        if old and self._arena.words[(old << 1) + META] & LINKED:
            self._free_replaced(old)
            self.index.replace(key, old, handle)
        else:
            self.index.insert(key, handle)
        self.lru.link(handle, number, size)

    def _free_replaced(self, old: int) -> None:
        """Free the chunks of an item whose entry in the index is about to name another."""
        word = old << 1
        meta = self._arena.words[word + META]
        number = meta >> LIST_SHIFT & LIST_MASK
        self.lru.unlink(old, number, item_size(self._arena.words[word + TEXT_LENGTH], meta))
        if meta & CHUNKED:
            self._chains.release(old)
        else:
            self.allocator.release(old, number & CLASS_MASK)
