"""From a key to its chunk: open addressing over 64-bit entries, each a 31-bit hash tag and a 32-bit handle.

    entry = tag << 32 | handle        home slot = tag & mask        0 = empty

The tag settles nearly every comparison without touching a chunk, and it is enough to move an entry: growth
and removal never look at keys. Probing is linear; removal shifts followers back, so there are no tombstones.

Growth is incremental: a table of twice the size is mapped (untouched, so free), new entries go there, and
each insertion moves a few old slots over. A moved slot keeps a mark so that chains in the old table stay
whole.

Hashes are Python's own (SipHash with a seed drawn at start): an attacker cannot aim at one slot.
"""

import mmap

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import KEY, KEY_LENGTH_MASK, META, TEXT

HASH_MASK = 0x7FFF_FFFF
HANDLE_MAX = 0xFFFF_FFFF
_KEY_AT = TEXT + KEY
_MOVED = 1 << 63  # no entry has this bit: tags have 31
_MOVE_STEP = 16  # old slots moved by one insertion: the old table is empty long before the new one is full


class Index:
    """Holds each linked chunk once. `table` and `mask` are read by `Store.get`, which probes by itself."""

    __slots__ = (
        "_arena", "_limit", "_map", "_moved", "_old_map", "_old_mask", "count", "mask", "old", "table",
    )

    def __init__(self, arena: Arena, power: int) -> None:
        self._arena = arena
        self.count = 0
        self.old: memoryview | None = None
        self._old_map: mmap.mmap | None = None
        self._old_mask = 0
        self._moved = 0  # slots of the old table that are done
        self._map_table(power)

    def _map_table(self, power: int) -> None:
        self._map = mmap.mmap(-1, 8 << power, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.table = memoryview(self._map).cast("Q")
        self.mask = (1 << power) - 1
        self._limit = (1 << power) * 3 // 5  # a load of 0.6: about 4 probes a miss at worst

    @property
    def power(self) -> int:
        """Base-2 logarithm of the number of slots."""
        return self.mask.bit_length()

    @property
    def growing(self) -> bool:
        """Whether entries remain in a table that is being left."""
        return self.old is not None

    @property
    def memory(self) -> int:
        """Bytes mapped for tables."""
        return 8 * (self.mask + 1) + (8 * (self._old_mask + 1) if self.old is not None else 0)

    def find(self, key: bytes) -> int:
        """Handle of the chunk that holds `key`, or 0."""
        hashed = hash(key) & HASH_MASK
        table, mask, tag = self.table, self.mask, hashed << 32
        while True:
            slot = hashed & mask
            while entry := table[slot]:
                if (handle := entry ^ tag) <= HANDLE_MAX:
                    arena, at, length = self._arena, (handle << 3) + _KEY_AT, len(key)
                    if (
                        arena.bytes[at : at + length] == key
                        and arena.words[(handle << 1) + META] & KEY_LENGTH_MASK == length
                    ):
                        return handle
                slot = (slot + 1) & mask
            if self.old is None or table is self.old:
                return 0
            table, mask = self.old, self._old_mask

    def insert(self, key: bytes, handle: int) -> None:
        """Enter a chunk whose key is in no entry."""
        self.count += 1
        if self.old is not None:
            self._move(_MOVE_STEP)
        elif self.count > self._limit:
            self._grow()
        self._place((hash(key) & HASH_MASK) << 32 | handle)

    def _place(self, entry: int) -> None:
        table, mask = self.table, self.mask
        slot = entry >> 32 & mask
        while table[slot]:
            slot = (slot + 1) & mask
        table[slot] = entry

    def remove(self, key: bytes, handle: int) -> None:
        """Take the chunk's entry out; it must be there."""
        entry = (hash(key) & HASH_MASK) << 32 | handle
        self.count -= 1
        slot = self._slot_of(self.table, self.mask, entry)
        if slot >= 0:
            self._erase(slot)
            return
        assert self.old is not None, "an entry that is not in the index"
        slot = self._slot_of(self.old, self._old_mask, entry)
        assert slot >= 0, "an entry that is not in the index"
        self.old[slot] = _MOVED

    def replace(self, key: bytes, handle: int, by: int) -> None:
        """Let the entry of `handle` name the chunk `by`, which holds the same key."""
        tag = (hash(key) & HASH_MASK) << 32
        slot = self._slot_of(self.table, self.mask, tag | handle)
        if slot >= 0:
            self.table[slot] = tag | by
            return
        assert self.old is not None, "an entry that is not in the index"
        self.old[self._slot_of(self.old, self._old_mask, tag | handle)] = tag | by

    @staticmethod
    def _slot_of(table: memoryview, mask: int, entry: int) -> int:
        slot = entry >> 32 & mask
        while (found := table[slot]) != entry:
            if not found:
                return -1
            slot = (slot + 1) & mask
        return slot

    def _erase(self, hole: int) -> None:
        """Empty a slot and shift back the followers that may move (Knuth, volume 3, 6.4, algorithm R)."""
        table, mask = self.table, self.mask
        slot = hole
        while entry := table[slot := (slot + 1) & mask]:
            if (slot - (entry >> 32)) & mask >= (slot - hole) & mask:
                table[hole] = entry
                hole = slot
        table[hole] = 0

    def _grow(self) -> None:
        self.old, self._old_map, self._old_mask, self._moved = self.table, self._map, self.mask, 0
        self._map_table(self.power + 1)

    def _move(self, slots: int) -> None:
        old = self.old
        assert old is not None
        for slot in range(self._moved, min(self._moved + slots, self._old_mask + 1)):
            entry = old[slot]
            if entry:  # an empty slot stays empty: it ends the chains that a look-up follows
                if entry != _MOVED:
                    self._place(entry)
                old[slot] = _MOVED
        self._moved += slots
        if self._moved > self._old_mask:
            old.release()
            assert self._old_map is not None
            self._old_map.close()
            self.old = self._old_map = None

    def handles(self) -> list[int]:
        """Every handle in the index, for checks."""
        tables = [self.table] if self.old is None else [self.table, self.old]
        return [e & HANDLE_MAX for table in tables for e in table.tolist() if e and e != _MOVED]
