"""Laying out items and linking them, in place of others or not. Keeps invariants I1 and I4.

What a command means is `store`'s; this is what it is made of.
"""

from bisect import bisect_left
from collections.abc import Callable

from memcache_server.store.chunk import (
    CHUNKED,
    GAP_SHIFT,
    HAS_FLAGS,
    HAS_TTL,
    ITEM_OVERHEAD,
    KEY,
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
from memcache_server.store.filling import Filling
from memcache_server.store.living_items import Form
from memcache_server.store.room import RoomMaker
from memcache_server.store.segmented_lru import CLASS_MASK, TEMP

_FORMS_MAX = 4096  # remembered at once: two megabytes
_write_state = STATE.pack_into
_PLACE_MASK = CLASS_MASK << LIST_SHIFT | CHUNKED  # what must agree for a chunk to be written over

STORED, NOT_STORED, EXISTS, NOT_FOUND, TOO_LARGE, NO_MEMORY, NON_NUMERIC = range(7)
"""How an attempt to store ended."""


class LinkedItems(RoomMaker):
    """Writes items."""

    __slots__ = ()

    def _next_cas(self) -> int:
        self._cas += self._cas_step
        return self._cas

    def count_refused(self, key: bytes, flags: bytes, length: int) -> None:
        """Count a set whose value of `length` bytes ended in no item, or in one with others."""
        size = len(key) + length + ITEM_OVERHEAD + (0 if flags == b"0" else 4)
        self.stats.other_sets[self.classes.class_for(size) or self.classes.count] += 1

    def claim(self, key: bytes, flags: bytes, value: bytes | Filling) -> int:
        """See to a free chunk for an item before looking at what is there: STORED, TOO_LARGE or NO_MEMORY.

        The original makes room when the line is read, even if nothing is stored then; so it is the same that goes.
        """
        if isinstance(value, Filling):  # has its chunk
            return STORED
        size = len(key) + len(value) + ITEM_OVERHEAD + (0 if flags == b"0" else 4)
        if size > self.options.item_size_max:
            return TOO_LARGE
        slab_class = self.classes.class_for(size)
        if slab_class and not self.allocator.free[slab_class]:
            handle = self._allocate(slab_class, keep=self.index.find(key))
            if handle:
                self.allocator.release(handle, slab_class)
            elif not self.options.evictions:
                self.stats.outofmemory[slab_class] += 1
                return NO_MEMORY
        return STORED

    def _write(self, key: bytes, flags: bytes, exptime: int, value: bytes | Filling, old: int) -> int:
        """Lay out and link an item in place of `old` (0: none). STORED, TOO_LARGE or NO_MEMORY (old stays)."""
        if self.busy and isinstance(value, Filling):  # while there is one, something is busy: one look suffices
            return self._link_filled(key, exptime, value, old)
        key_length, value_length = len(key), len(value)
        text = b"VALUE %b %b %d\r\n%b" % (key, flags, value_length - 2, value)  # type: ignore[str-format]
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
            number = self.classes.count | self._segment_for(exptime)
            handle = self._chain_for(key, size, meta, text, value_length, number)
            meta |= CHUNKED
        else:
            number = slab_class | self._segment_for(exptime)
            old_meta = arena.words[(old << 1) + META]
            if (
                old
                and old_meta & _PLACE_MASK == slab_class << LIST_SHIFT
                and self.allocator.free[slab_class]
                and not (self.busy and old in self.busy)
            ):
                # the same class: written over
                handle = old
                self._relink(handle, old_meta, number, size)
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

    def _learn_form(self, flags: bytes, key_length: int, length: int) -> Form | None:
        """Remember and return the form of items with such flags and lengths, if they fit into one chunk."""
        marks, size = (0, 0) if flags == b"0" else (HAS_FLAGS, 4)
        size += key_length + length + ITEM_OVERHEAD
        slab_class = self.classes.class_for(size)
        if not slab_class or size > self.options.item_size_max:
            return None
        gap = b" %b %d\r\n" % (flags, length - 2)
        gap_length = len(gap) + KEY
        meta, value_at = key_length | gap_length << GAP_SHIFT | LINKED | marks, TEXT + key_length + gap_length
        if len(self._forms) >= _FORMS_MAX:
            self._forms.clear()
        form = slab_class, size, key_length + gap_length + length, meta, value_at, gap
        self._forms[flags, key_length, length] = form
        return form

    def _write_new(self, key: bytes, form: Form, exptime: int, value: bytes) -> int:
        """Lay out and link an item of a known form whose key is not there. STORED or NO_MEMORY."""
        slab_class, size, text_length, meta, _, gap = form
        handle = self._allocate(slab_class)
        if not handle:
            self.stats.outofmemory[slab_class] += 1
            return NO_MEMORY
        number = slab_class | (self._segment_for(exptime) if exptime else self._entry)
        self.index.insert(key, handle)
        self.lru.link(handle, number, size)
        memory, at = self._arena.bytes, handle << 3
        memory[at + TEXT : at + TEXT + text_length] = b"VALUE " + key + gap + value
        self._cas = unique = self._cas + self._cas_step
        meta |= number << LIST_SHIFT | (HAS_TTL if exptime else 0)
        _write_state(memory, at + STATE_AT, exptime, self._access, text_length, meta, unique)
        self.stats.stores[slab_class] += 1
        return STORED

    def _chunk_for(self, key: bytes, size: int, number: int, old: int) -> int:
        """Another chunk for an item than that of `old`, linked in its place; 0 when there is none."""
        handle = self._allocate(number & CLASS_MASK, old)
        if handle:
            self._link_over(handle, key, size, number, old)
        return handle

    def _chain_for(self, key: bytes, size: int, meta: int, text: bytes, value_length: int, number: int) -> int:
        """A chain with `text`, linked in place of what the key had; 0 when there is no room."""
        filling = self._begin_chain(meta, len(text), value_length, self.abandon)
        if filling is None:
            return 0
        filling.write(text)
        handle = self._take(filling)
        if handle:
            # only now is it looked for: room for the pieces may have cost an old item its page
            self._link_over(handle, key, size, number, self.index.find(key))
        return handle

    # values that come in pieces

    def begin(self, key: bytes, flags: bytes, value_length: int) -> Filling | None:
        """An item whose value, `value_length` bytes with its CRLF, is yet to be written; None: too large, no memory.

        It is linked by handing it to one of the methods that store, as the value, or else given up by `abandon`.
        """
        head = b"VALUE %b %b %d\r\n" % (key, flags, value_length - 2)
        text_length = len(head) + value_length
        meta = len(key) | (len(head) - len(key)) << GAP_SHIFT | (HAS_FLAGS if flags != b"0" else 0)
        size = item_size(text_length, meta)
        if size > self.options.item_size_max:
            return None
        slab_class = self.classes.class_for(size)
        if slab_class:
            filling = self._begin_chunk(slab_class, meta, text_length, value_length)
        else:
            filling = self._begin_chain(meta | CHUNKED, text_length, value_length, self._run_out)
        if filling is None:
            self.stats.outofmemory[slab_class or self.classes.count] += 1
        else:
            filling.write(head)
        return filling

    def _begin_chunk(self, slab_class: int, meta: int, text_length: int, value_length: int) -> Filling | None:
        handle = self._allocate(slab_class)
        if not handle:
            return None
        words, word = self._arena.words, handle << 1
        words[word + TEXT_LENGTH] = text_length
        words[word + META] = meta | slab_class << LIST_SHIFT
        self.busy[handle] = 1
        return Filling(self._arena, handle, meta, text_length, value_length)

    def _begin_chain(
        self, meta: int, text_length: int, value_length: int, run_out: Callable[[Filling], None]
    ) -> Filling | None:
        handle = self._chains.begin(meta, text_length)
        if not handle:
            return None
        self.busy[handle] = 1
        filling = Filling(self._arena, handle, meta, text_length, value_length)
        filling.grow_by(self._chains, run_out)
        return filling

    def _run_out(self, filling: Filling) -> None:
        self.stats.outofmemory[self.classes.count] += 1
        self.abandon(filling)

    def abandon(self, filling: Filling) -> None:
        """Give back the chunks of an item that will not be linked; nothing if it is linked or given up already."""
        handle = self._take(filling)
        if handle:
            self._free(handle)

    def _take(self, filling: Filling) -> int:
        """The chunk of a value in flight, which is ours from now on; 0 if it has none any more."""
        handle, filling.handle = filling.handle, 0
        return handle if self.busy.pop(handle, 0) else 0

    def _link_filled(self, key: bytes, exptime: int, filling: Filling, old: int) -> int:
        """Link a value that has come whole, in place of `old` (0: none). STORED."""
        handle = self._take(filling)
        meta = filling.meta | LINKED | (HAS_TTL if exptime else 0)
        slab_class = self._arena.words[(handle << 1) + META] >> LIST_SHIFT & CLASS_MASK
        number = slab_class | self._segment_for(exptime)
        self._link_over(handle, key, item_size(filling.text_length, meta), number, old)
        at, meta = (handle << 3) + STATE_AT, meta | number << LIST_SHIFT
        unique = self._next_cas()
        STATE.pack_into(self._arena.bytes, at, exptime, self._access, filling.text_length, meta, unique)
        self.stats.stores[slab_class] += 1
        return STORED

    def _segment_for(self, exptime: int) -> int:
        """Where a new item goes: TEMP if it will not live long enough to be worth an eviction."""
        if exptime and self.tuning.temp_lru:
            return TEMP if 0 <= exptime - self.now <= self.tuning.temporary_ttl else self._entry
        return self._entry

    def _relink(self, handle: int, meta: int, number: int, size: int) -> None:
        """Move an item with header word `meta` to the head of list `number`, where it is `size` bytes."""
        old_number = meta >> LIST_SHIFT & LIST_MASK
        old_size = item_size(self._arena.words[(handle << 1) + TEXT_LENGTH], meta)
        if old_number == number:
            self.lru.to_head(handle, number)
            if size != old_size:
                self.lru.resize(number, size - old_size)
        else:
            self.lru.move(handle, old_number, number, old_size)
            if size != old_size:
                self.lru.resize(number, size - old_size)

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
        if self.busy and old in self.busy:
            self._arena.words[word + META] = meta & ~LINKED  # whoever reads it last frees it
        elif meta & CHUNKED:
            self._chains.release(old)
        else:
            self.allocator.release(old, number & CLASS_MASK)
