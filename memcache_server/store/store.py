"""The store: what each command does to the items."""

import re
from enum import IntEnum

from mcproto.limits import U64
from memcache_server.store import linked_items
from memcache_server.store.chunk import (
    BINARY,
    CAS,
    CHUNKED,
    EXPTIME,
    GAP_MASK,
    GAP_SHIFT,
    HAS_FLAGS,
    HAS_TTL,
    KEY,
    KEY_LENGTH_MASK,
    LAST_ACCESS,
    LINKED,
    LIST_MASK,
    LIST_SHIFT,
    META,
    PIECE,
    STATE,
    STATE_AT,
    TEXT,
    TEXT_LENGTH,
)
from memcache_server.store.filling import Filling
from memcache_server.store.index import HASH_MASK
from memcache_server.store.large_text import WINDOW, LargeText
from memcache_server.store.linked_items import (
    EXISTS,
    NO_MEMORY,
    NON_NUMERIC,
    NOT_FOUND,
    NOT_STORED,
    STORED,
    TOO_LARGE,
)
from memcache_server.store.living_items import BOTH_USES, QUIET_MASK
from memcache_server.store.meta_items import MetaItems
from memcache_server.store.segmented_lru import CLASS_MASK

_KEY_AT = TEXT + KEY
_FORM = KEY_LENGTH_MASK | GAP_MASK << GAP_SHIFT | LINKED | HAS_FLAGS | CHUNKED | PIECE
_write_state = STATE.pack_into
Value = bytes | Filling
"""With its CRLF; a Filling is one that came in pieces and is whole now."""

_NUMBER = re.compile(rb"[ \t\n\v\f\r]*([+-]?)(\d+)[ \t\n\v\f\r\0]")


class StoreResult(IntEnum):
    """How an attempt to store ended, by name; the methods return the plain numbers."""

    STORED = linked_items.STORED
    NOT_STORED = linked_items.NOT_STORED
    EXISTS = linked_items.EXISTS
    NOT_FOUND = linked_items.NOT_FOUND
    TOO_LARGE = linked_items.TOO_LARGE
    NO_MEMORY = linked_items.NO_MEMORY
    NON_NUMERIC = linked_items.NON_NUMERIC


class Store(MetaItems):
    """One method for each thing a command can do. Values carry their CRLF, keys are at most 250 bytes."""

    __slots__ = ()

    # reading

    def get(self, key: bytes) -> bytes | LargeText | None:
        """The text `VALUE key flags length CRLF value CRLF` of a live item, and count the hit; None for a miss."""
        # Index.find written out: the call would cost a tenth of the whole look-up
        hashed, size = hash(key) & HASH_MASK, len(key)
        index, arena = self.index, self._arena
        tags, chunks, mask = index.tags, index.chunks, index.mask
        slot = hashed & mask
        while tags[slot] != hashed and chunks[slot]:
            slot = (slot + 1) & mask
        handle = chunks[slot]
        if handle:
            meta, length, at = arena.metas[handle], arena.lengths[handle], (handle << 3) + TEXT
            if meta & KEY_LENGTH_MASK == size and length <= WINDOW:
                text = arena.bytes[at : at + length]
                if text[KEY : KEY + size] == key:
                    if meta & QUIET_MASK != self._quiet:
                        return self._get_checked(handle, meta, text)
                    self.stats.hits[meta >> LIST_SHIFT & LIST_MASK] += 1
                    return text
        elif index.old is None:
            return None
        # it is large, in the old table, or another key has the same tag
        handle = index.find(key)
        return self._get_checked(handle, arena.metas[handle]) if handle else None

    def get_many(self, keys: list[bytes], large: int, enough: int) -> tuple[list[bytes | LargeText | None], int]:
        """What `get` gives for each key, up to the one with which the texts over `large` bytes reach `enough` bytes.

        Also how many bytes those texts have.
        """
        # get written out once more: nearly a third of its price are the call and what is looked up for each anew
        index, arena, quiet, hits = self.index, self._arena, self._quiet, self.stats.hits
        tags, chunks, mask = index.tags, index.chunks, index.mask
        metas, lengths, memory = arena.metas, arena.lengths, arena.bytes
        texts: list[bytes | LargeText | None] = []
        counted, growing = 0, index.old is not None
        alike = run = 0  # meta word of the hits before, and how many of them are yet to be counted: most have the same
        key_size, key_part = 0, slice(KEY, KEY)  # where a key of the size of the one before stands in a text
        for key in keys:
            hashed, size = hash(key) & HASH_MASK, len(key)
            slot = hashed & mask
            while tags[slot] != hashed and chunks[slot]:
                slot = (slot + 1) & mask
            handle = chunks[slot]
            meta, length, at = metas[handle], lengths[handle], (handle << 3) + TEXT
            text: bytes | LargeText | None = None
            if meta & KEY_LENGTH_MASK == size and length <= WINDOW:
                if size != key_size:
                    key_size, key_part = size, slice(KEY, KEY + size)
                text = memory[at : at + length]
                if text[key_part] != key:
                    text = self.get(key)
                elif meta == alike:
                    run += 1
                elif meta & QUIET_MASK != quiet:
                    text = self._get_checked(handle, meta, text)
                else:
                    hits[alike >> LIST_SHIFT & LIST_MASK] += run
                    alike, run = meta, 1
            elif handle or growing:
                text = self.get(key)
            texts.append(text)
            if length > large and text is not None:
                counted += len(text)
                if counted >= enough:
                    break
        hits[alike >> LIST_SHIFT & LIST_MASK] += run
        return texts, counted

    def _get_checked(self, handle: int, meta: int, text: bytes | None = None) -> bytes | LargeText | None:
        """A get of an item that may be dead, is not marked as active yet, is large or lies in a chain.

        `text` is the item's, if it is known and not in a chain.
        """
        if (meta & HAS_TTL and self._arena.exptimes[handle] <= self.now) or (self._reaping and self.is_dead(handle)):
            self._drop_dead(handle)
            return None
        self.stats.hits[meta >> LIST_SHIFT & LIST_MASK] += 1
        if meta & BOTH_USES != BOTH_USES or self._entry:
            self._mark_used(handle, meta)
        return self._sendable(handle) if text is None or meta & CHUNKED else text

    def _sendable(self, handle: int, start: int = 0, head: bytes = b"") -> bytes | LargeText:
        """`head` and an item's text from `start`, to be sent."""
        if self._arena.words[(handle << 1) + TEXT_LENGTH] > WINDOW:
            return LargeText(self, handle, start, head)
        return head + self._text(handle)[start:]

    def get_with_cas(self, key: bytes) -> bytes | LargeText | None:
        """As `get`, with the CAS unique behind the length (`gets`)."""
        text = self.get(key)
        if text is None:
            return None
        handle = self.index.find(key)
        if isinstance(text, bytes):
            end = self._value_at(handle) - 2
            return b"%b %d%b" % (text[:end], self._arena.longs[handle + CAS], text[end:])
        text.release()
        return self._with_cas(handle)

    def get_and_touch(self, key: bytes, exptime: int, with_cas: bool) -> bytes | LargeText | None:
        """The text of a live item after giving it a new exptime (`gat`, `gats`); None for a miss."""
        handle = self._touch(key, exptime)
        if not handle:
            return None
        return self._with_cas(handle) if with_cas else self._sendable(handle)

    def touch(self, key: bytes, exptime: int) -> bool:
        """Give a live item a new exptime; False for a miss. The CAS unique stays."""
        return self._touch(key, exptime) != 0

    def _touch(self, key: bytes, exptime: int) -> int:
        handle = self.find(key)
        if handle:
            word = handle << 1
            meta = self._mark_used(handle, self._meta(handle)) & ~HAS_TTL
            self._arena.words[word + META] = meta | HAS_TTL if exptime else meta
            self._arena.words[word + EXPTIME] = exptime
            self.stats.touch_hits[meta >> LIST_SHIFT & CLASS_MASK] += 1
        return handle

    def class_of(self, key: bytes) -> int:
        """The slab class of a live item, or 0."""
        handle = self.find(key)
        return self._arena.words[(handle << 1) + META] >> LIST_SHIFT & CLASS_MASK if handle else 0

    def _with_cas(self, handle: int) -> bytes | LargeText:
        at, end = (handle << 3) + TEXT, self._value_at(handle) - 2
        line = b"%b %d" % (self._arena.bytes[at : at + end], self._arena.longs[handle + CAS])
        return self._sendable(handle, end, line)

    def delete(self, key: bytes) -> bool:
        """Remove a live item; False for a miss."""
        handle = self.find(key)
        if not handle:
            return False
        self.stats.delete_hits[self._arena.words[(handle << 1) + META] >> LIST_SHIFT & CLASS_MASK] += 1
        self.unlink(handle)
        return True

    # storing

    def set(self, key: bytes, flags: bytes, exptime: int, value: Value) -> int:
        """Store whatever was there. A value that cannot be stored takes the old one with it."""
        if not self.busy and (form := self._forms.get((flags, len(key), len(value)))):
            # most sets are over an item of the same form: what differs is written, and nothing is laid out.
            # Index.find is written out, as in `get`
            slab_class, size, text_length, plain, value_at, gap = form
            hashed = hash(key) & HASH_MASK
            index, arena = self.index, self._arena
            tags, chunks, mask = index.tags, index.chunks, index.mask
            slot = hashed & mask
            while (tag := tags[slot]) or chunks[slot]:
                if tag == hashed:
                    handle = chunks[slot]
                    meta, at = arena.metas[handle], handle << 3
                    if (
                        meta & _FORM != plain
                        or arena.lengths[handle] != text_length
                        or (
                            arena.bytes[at + _KEY_AT : at + _KEY_AT + len(key)] != key
                            if flags == b"0"
                            else arena.bytes[at + _KEY_AT : at + value_at] != key + gap  # other flags may be as long
                        )
                        or not self.allocator.free[slab_class]
                    ):
                        break  # another form, or, once in two thousand million, another key
                    number = slab_class | (self._segment_for(exptime) if exptime else self._entry)
                    if meta >> LIST_SHIFT & LIST_MASK == number:
                        self.lru.to_head(handle, number)
                    else:
                        self.lru.move(handle, meta >> LIST_SHIFT & LIST_MASK, number, size)
                    arena.bytes[at + value_at : at + TEXT + text_length] = value  # type: ignore[assignment]
                    meta = plain | number << LIST_SHIFT | (HAS_TTL if exptime else 0)
                    self._cas = unique = self._cas + self._cas_step
                    _write_state(arena.bytes, at + STATE_AT, exptime, self._access, text_length, meta, unique)
                    self.stats.stores[slab_class] += 1
                    return STORED
                slot = (slot + 1) & mask
            if not tag and index.old is None and not chunks[slot]:
                return self._write_new(key, form, exptime, value)  # type: ignore[arg-type]  # no Filling: none is busy
        return self._set_anew(key, flags, exptime, value, self.index.find(key))

    def _set_anew(self, key: bytes, flags: bytes, exptime: int, value: Value, handle: int) -> int:
        """A set that lays out an item in place of `handle` (0: none), whose form is remembered."""
        if isinstance(value, bytes):
            form = self._forms.get((flags, len(key), len(value))) or self._learn_form(flags, len(key), len(value))
            if form and not handle:
                return self._write_new(key, form, exptime, value)
        # making room may take the very item that is there; for a new one, it is made where the chunk is wanted
        result = handle and self.claim(key, flags, value)
        result = result or self._write(key, flags, exptime, value, handle and self.index.find(key))
        if result:
            self.discard(key)
        return result

    def add(self, key: bytes, flags: bytes, exptime: int, value: Value) -> int:
        """Store only if there is no live item; the attempt counts as a use of one."""
        if problem := self.claim(key, flags, value):
            return problem
        handle = self.find(key)
        if handle:
            self.refresh(handle)
            return NOT_STORED
        return self._write(key, flags, exptime, value, 0)

    def replace(self, key: bytes, flags: bytes, exptime: int, value: Value) -> int:
        """Store only over a live item."""
        if problem := self.claim(key, flags, value):
            return problem
        handle = self.find(key)
        return self._write(key, flags, exptime, value, handle) if handle else NOT_STORED

    def compare_and_set(self, key: bytes, flags: bytes, exptime: int, value: Value, unique: int) -> int:
        """Store only over a live item whose CAS unique is `unique`; 0 never matches."""
        if problem := self.claim(key, flags, value):
            return problem
        handle = self.find(key)
        if not handle:
            return NOT_FOUND
        slab_class = self._arena.words[(handle << 1) + META] >> LIST_SHIFT & CLASS_MASK
        if not unique or self._arena.longs[handle + CAS] != unique:
            self.stats.cas_badval[slab_class] += 1
            return EXISTS
        self.stats.cas_hits[slab_class] += 1
        return self._write(key, flags, exptime, value, handle)

    def append(self, key: bytes, value: Value, flags: bytes = b"0") -> int:
        """Put a value behind a live item's; its flags and exptime stay."""
        return self._extend(key, value, flags, behind=True)

    def prepend(self, key: bytes, value: Value, flags: bytes = b"0") -> int:
        """Put a value before a live item's; its flags and exptime stay."""
        return self._extend(key, value, flags, behind=False)

    def _extend(self, key: bytes, value: Value, flags: bytes, behind: bool) -> int:
        # the line's client flags are good for nothing but the room that is made for what it brings
        if problem := self.claim(key, flags, value):
            return NOT_STORED if problem == TOO_LARGE else problem
        handle = self.find(key)
        if not handle:
            return NOT_STORED
        exptime, marks, length = self.exptime_of(handle), self._meta(handle) & BINARY, len(value)
        if isinstance(value, bytes) and self.value_length(handle) <= WINDOW:
            text, start = self._text(handle), self._value_at(handle)
            joined = text[start:-2] + value if behind else value[:-2] + text[start:]
            result = self._write(key, self.client_flags(handle), exptime, joined, handle)
        else:
            result = self._join(key, handle, value, behind)
        if result == STORED:
            handle = self.index.find(key)
            self.mark(handle, marks)
            self.stats.rewrites[self.slab_class_of(handle)] += 1
            self.count_refused(key, flags, length)
        return NOT_STORED if result == TOO_LARGE else result

    def _join(self, key: bytes, handle: int, value: Value, behind: bool) -> int:
        """Put an item's value and another together in a new one, window by window."""
        if self.size_of(handle) + len(value) - 2 > self.options.item_size_max:
            return TOO_LARGE
        exptime, own = self.exptime_of(handle), LargeText(self, handle, self._value_at(handle))
        other = value if isinstance(value, bytes) else LargeText(self, value.handle, value.text_length - len(value))
        joined = self.begin(key, self.client_flags(handle), len(own) - 2 + len(value))
        if joined is not None:
            first, second = (own, other) if behind else (other, own)
            _copy(first, joined, len(first) - 2)
            _copy(second, joined, len(second))
        own.release()
        if not isinstance(other, bytes):
            other.release()
        if joined is None or not joined.handle:
            return NO_MEMORY
        return self._write(key, b"", exptime, joined, self.index.find(key))

    def add_delta(self, key: bytes, delta: int, up: bool, unique: int = 0) -> tuple[int, int]:
        """Add `delta` to a number or subtract it: (STORED, new number), or (why not, 0).

        A `unique` other than 0 must be the item's, unless the value is none to count with at all: EXISTS.

        Up wraps at 2^64, down stops at 0. A result no longer than the old value is written over it, padded
        with blanks (memcached.c do_add_delta).
        """
        handle = self.find(key)
        if not handle:
            return NOT_FOUND, 0
        words, word = self._arena.words, handle << 1
        if words[word + META] & CHUNKED or not self.value_length(handle):
            return NON_NUMERIC, 0
        text, start = self._text(handle), self._value_at(handle)
        if unique and self._arena.longs[handle + CAS] != unique:
            return EXISTS, 0
        number = _maybe_number(text, start)
        if number is None:
            return NON_NUMERIC, 0
        number = (number + delta) & U64 if up else max(0, number - delta)
        counter = self.stats.incr_hits if up else self.stats.decr_hits
        counter[words[word + META] >> LIST_SHIFT & CLASS_MASK] += 1
        digits, room = b"%d" % number, len(text) - 2 - start
        if len(digits) <= room and not (self.busy and handle in self.busy):
            at = (handle << 3) + TEXT + start
            self._arena.bytes[at : at + room] = digits.ljust(room)
            self._arena.longs[handle + CAS] = self._next_cas()
            words[word + LAST_ACCESS] = self._access
            return STORED, number
        flags, exptime, marks = self.client_flags(handle), words[word + EXPTIME], words[word + META] & BINARY
        result = self._write(key, flags, exptime, digits + b"\r\n", handle)
        if result == STORED:
            self.stats.rewrites[self.class_of(key)] += 1
            self.mark(self.index.find(key), marks)
        return result, number


def _copy(source: bytes | LargeText, target: Filling, length: int) -> None:
    """Write the first `length` bytes of a value."""
    if isinstance(source, bytes):
        target.write(source[:length])
        return
    while length and (window := source.window(min(WINDOW, length))):
        target.write(window)
        length -= len(window)


def _maybe_number(text: bytes, start: int) -> int | None:
    """An unsigned 64-bit number as strtoull reads it: blanks around it pass, `5x`, `-5` and nothing do not."""
    match = _NUMBER.match(text, start)
    if match is None or len(match[2]) > 200:
        return None
    number = int(match[2])
    if number > U64:
        return None
    if match[1] == b"-":
        number = -number & U64
        return None if number >> 63 else number
    return number
