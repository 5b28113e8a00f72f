"""What the meta commands see and change of an item, by handle: header fields, marks, its own CAS unique.

A handle is good until the next store, delete or look-up of a dead item.
"""

from memcache_server.store.chunk import (
    BINARY,
    CAS,
    CHUNKED,
    EXPTIME,
    FETCHED,
    HAS_FLAGS,
    HAS_TTL,
    KEY,
    KEY_LENGTH_MASK,
    LAST_ACCESS,
    LIST_MASK,
    LIST_SHIFT,
    META,
    OWN_CAS,
    STALE,
    TEXT,
    TEXT_LENGTH,
    WON,
    item_size,
)
from memcache_server.store.index import HASH_MASK
from memcache_server.store.large_text import WINDOW, LargeText
from memcache_server.store.linked_items import STORED, LinkedItems
from memcache_server.store.living_items import BOTH_USES, QUIET_MASK
from memcache_server.store.segmented_lru import CLASS_MASK

_PLAIN_MASK = KEY_LENGTH_MASK | BINARY | CHUNKED | STALE | WON
_KEY_AT = TEXT + KEY
_MISS = 0, 0, b""


class MetaItems(LinkedItems):
    """One method for each field, mark or change."""

    __slots__ = ()

    # fields

    def _meta(self, handle: int) -> int:
        return self._arena.words[(handle << 1) + META]

    def key_of(self, handle: int) -> bytes:
        """The key, decoded."""
        at = (handle << 3) + TEXT + KEY
        return self._arena.bytes[at : at + (self._meta(handle) & KEY_LENGTH_MASK)]

    def cas_of(self, handle: int) -> int:
        """The CAS unique."""
        return self._arena.longs[handle + CAS]

    def exptime_of(self, handle: int) -> int:
        """The second at which it expires, 0 for never."""
        return self._arena.words[(handle << 1) + EXPTIME]

    def idle_seconds(self, handle: int) -> int:
        """Seconds since it was last used."""
        return self._access - self._arena.words[(handle << 1) + LAST_ACCESS]

    def client_flags(self, handle: int) -> bytes:
        """The client flags as they stand in the text."""
        at = (handle << 3) + TEXT
        start = at + KEY + (self._meta(handle) & KEY_LENGTH_MASK) + 1
        return self._arena.bytes[start : at + self._value_at(handle)].partition(b" ")[0]

    def value_length(self, handle: int) -> int:
        """Bytes of the value without its CRLF."""
        return self._arena.words[(handle << 1) + TEXT_LENGTH] - self._value_at(handle) - 2

    def value(self, handle: int) -> bytes | LargeText:
        """The value with its CRLF, to be sent."""
        start, length = self._value_at(handle), self._arena.words[(handle << 1) + TEXT_LENGTH]
        if length > WINDOW:
            return LargeText(self, handle, start)
        if self._meta(handle) & CHUNKED:
            return self._text(handle)[start:]
        at = (handle << 3) + TEXT
        return self._arena.bytes[at + start : at + length]

    def size_of(self, handle: int) -> int:
        """The original's size of the item."""
        return item_size(self._arena.words[(handle << 1) + TEXT_LENGTH], self._meta(handle))

    def slab_class_of(self, handle: int) -> int:
        """Its slab class."""
        return self._meta(handle) >> LIST_SHIFT & CLASS_MASK

    def is_fetched(self, handle: int) -> bool:
        """Whether it was read since it was stored."""
        return self._meta(handle) & FETCHED != 0

    def is_stale(self, handle: int) -> bool:
        """Whether it was invalidated and not stored anew."""
        return self._meta(handle) & STALE != 0

    def is_won(self, handle: int) -> bool:
        """Whether somebody was told to store it anew."""
        return self._meta(handle) & WON != 0

    def is_binary(self, handle: int) -> bool:
        """Whether its key came as base64."""
        return self._meta(handle) & BINARY != 0

    def fetch(self, key: bytes) -> tuple[int, int, bytes] | None:
        """Count the hit of a plain item, and mark it as used: its handle, its header's meta word, and its text
        `length CRLF value CRLF`, the client flags and a blank before it if HAS_FLAGS. Handle 0 for a miss.

        None, and nothing is done, if a look at the item's life, marks or chain is needed.
        """
        # Index.find written out, as in `Store.get`
        hashed, size = hash(key) & HASH_MASK, len(key)
        index, arena = self.index, self._arena
        tags, chunks, mask = index.tags, index.chunks, index.mask
        slot = hashed & mask
        while (tag := tags[slot]) or chunks[slot]:
            if tag == hashed:
                handle = chunks[slot]
                length, meta, at = arena.lengths[handle], arena.metas[handle], (handle << 3) + _KEY_AT
                if length > WINDOW or meta & _PLAIN_MASK != size or arena.bytes[at : (end := at + size)] != key:
                    return None
                if meta & QUIET_MASK != self._quiet:
                    if (meta & HAS_TTL or self._reaping) and self.is_dead(handle):
                        return None
                    if meta & BOTH_USES != BOTH_USES or self._entry:
                        self._mark_used(handle, meta)
                self.stats.hits[meta >> LIST_SHIFT & LIST_MASK] += 1
                return handle, meta, arena.bytes[end + (1 if meta & HAS_FLAGS else 3) : at + length - KEY]
            slot = (slot + 1) & mask
        return _MISS if index.old is None else None

    # changes

    def set_exptime(self, handle: int, exptime: int) -> None:
        """Another second to expire at; 0 for never."""
        word = handle << 1
        meta = self._arena.words[word + META] & ~HAS_TTL
        self._arena.words[word + META] = meta | HAS_TTL if exptime else meta
        self._arena.words[word + EXPTIME] = exptime

    def set_cas(self, handle: int, unique: int) -> None:
        """A CAS unique that the client chose."""
        if self.options.cas:
            self._arena.words[(handle << 1) + META] |= OWN_CAS
            self._arena.longs[handle + CAS] = unique

    def mark(self, handle: int, marks: int) -> None:
        """Set marks: any of STALE, WON, BINARY."""
        self._arena.words[(handle << 1) + META] |= marks

    def invalidate(self, handle: int, unique: int | None) -> None:
        """Stale from now on, under a new CAS unique (or the given one), and again to be won."""
        word = (handle << 1) + META
        self._arena.words[word] = self._arena.words[word] & ~WON | STALE
        if unique is None:
            self._arena.longs[handle + CAS] = self._next_cas()
        else:
            self.set_cas(handle, unique)

    def refresh(self, handle: int) -> None:
        """Recent again, though not fetched."""
        self._bump(handle)

    def use(self, handle: int) -> None:
        """Mark as used by a fetch that is not counted."""
        self._mark_used(handle, self._meta(handle))

    def count_fetch(self, handle: int, touched: bool, used: bool) -> None:
        """Count a hit, of touch or of get, and mark the item as used if it was."""
        number = self._meta(handle) >> LIST_SHIFT & LIST_MASK
        if used:
            self._mark_used(handle, self._meta(handle))
        if touched:
            self.stats.touch_hits[number & CLASS_MASK] += 1
        else:
            self.stats.hits[number] += 1

    def count_cas_hit(self, handle: int) -> None:
        """Count a CAS unique that was good enough."""
        self.stats.cas_hits[self._meta(handle) >> LIST_SHIFT & CLASS_MASK] += 1

    # storing

    def vivify(self, key: bytes, value: bytes) -> int:
        """Store a new item for a key that has none; its handle, or 0 when there is no room."""
        return self._rewrite(key, b"0", 0, value, 0)

    def empty(self, handle: int, key: bytes, flags: bytes, exptime: int) -> int:
        """Take an item's value and marks but keep its CAS unique; its new handle, or 0 without room."""
        unique, marks = self.cas_of(handle), self._meta(handle) & BINARY
        handle = self._rewrite(key, flags, exptime, b"\r\n", handle)
        if handle:
            self.set_cas(handle, unique)
            self.mark(handle, marks)
        return handle

    def _rewrite(self, key: bytes, flags: bytes, exptime: int, value: bytes, old: int) -> int:
        """Store what no storage command asked for: it is not counted as a set."""
        if self._write(key, flags, exptime, value, old) != STORED:
            return 0
        handle = self.index.find(key)
        self.stats.rewrites[self.slab_class_of(handle)] += 1
        return handle
