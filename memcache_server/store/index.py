"""From a key to its chunk: open addressing over 64-bit entries, each a 30-bit hash tag and a 32-bit handle.

    entry = tag << 32 | handle        home slot = tag & mask        0 = empty

Look-ups read the halves of an entry by themselves, `tags` and `chunks`: a tag of 30 bits is a number of one digit
to the interpreter, the sum of both one of three, at twice the price or more for each thing done with it.

The tag settles nearly every comparison without touching a chunk, and it is enough to move an entry: growth
and removal never look at keys. Probing is linear; removal shifts followers back, so there are no tombstones.

Growth is incremental: a table of twice the size is mapped (untouched, so free), and each insertion moves a few
old slots over, in order. It stops only at an empty slot: what is left of the old table is then a whole table by
itself, for every chain lies before that slot or behind it, and a moved slot can be empty like any other, without
a mark. A new entry goes to the new table when its home in the old one has been moved, else to the old, unless
its chain would go on at the front of it. So the new
table fills, and takes memory, from the front of its halves, while the front of the old one is given back: the two
together never take more than the new one will.

Hashes are Python's own (SipHash with a seed drawn at start): an attacker cannot aim at one slot.
"""

import mmap

from memcache_server.store.arena import Arena
from memcache_server.store.chunk import KEY, KEY_LENGTH_MASK, TEXT

HASH_MASK = 0x3FFF_FFFF
HANDLE_MAX = 0xFFFF_FFFF
_KEY_AT = TEXT + KEY
_MOVE_STEP = 16  # old slots moved by one insertion: the old table is empty long before the new one is full
_LOAD = 7, 10  # a miss looks at 6 slots just before growth; at 3/4 at 8.4 for 7 % less memory, at 4/5 at 13
_SLOT = 8  # bytes
_GIVE_BACK = 1 << 20  # bytes of the old table given back at a time: about 50 microseconds


def room_for(slots: int) -> mmap.mmap:
    """Memory for a table."""
    return mmap.mmap(-1, _SLOT * slots, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


class Index:
    """Holds each linked chunk once. `tags`, `chunks`, `mask` and `old` are read by `Store`, which probes by itself."""

    __slots__ = (
        "_arena", "_given_back", "_limit", "_map", "_moved", "_old_chunks", "_old_map", "_old_mask", "_old_tags",
        "chunks", "count", "mask", "old", "table", "tags",
    )  # fmt: skip

    def __init__(self, arena: Arena, power: int) -> None:
        self._arena = arena
        self.count = 0
        self.old: memoryview | None = None
        self._old_map: mmap.mmap | None = None
        self._old_mask = 0
        self._moved = 0  # slots of the old table that are done
        self._given_back = 0  # bytes of it
        self._use_table(room_for(1 << power))

    def _use_table(self, mapping: mmap.mmap) -> None:
        self._map = mapping
        self.table = memoryview(mapping).cast("Q")
        self.tags, self.chunks = _halves(self.table)
        self.mask = len(self.table) - 1
        share, whole = _LOAD
        self._limit = len(self.table) * share // whole

    @property
    def power(self) -> int:
        """Base-2 logarithm of the number of slots."""
        return self.mask.bit_length()

    @property
    def growing(self) -> bool:
        """Whether entries remain in a table that is being left."""
        return self.old is not None

    @property
    def growth(self) -> tuple[int, int]:
        """Slots of the table that is being left (0: none), and how many of them have been moved."""
        return (0, 0) if self.old is None else (self._old_mask + 1, self._moved)

    @property
    def memory(self) -> int:
        """Bytes mapped for tables."""
        return 8 * (self.mask + 1) + (8 * (self._old_mask + 1) if self.old is not None else 0)

    def find(self, key: bytes) -> int:
        """Handle of the chunk that holds `key`, or 0."""
        hashed = hash(key) & HASH_MASK
        tags, chunks, mask = self.tags, self.chunks, self.mask
        while True:
            slot = hashed & mask
            while (tag := tags[slot]) or chunks[slot]:
                if tag == hashed:
                    handle, arena, length = chunks[slot], self._arena, len(key)
                    at = (handle << 3) + _KEY_AT
                    if arena.metas[handle] & KEY_LENGTH_MASK == length and arena.bytes[at : at + length] == key:
                        return handle
                slot = (slot + 1) & mask
            if self.old is None or mask == self._old_mask:
                return 0
            tags, chunks, mask = self._old_tags, self._old_chunks, self._old_mask

    def insert(self, key: bytes, handle: int) -> None:
        """Enter a chunk whose key is in no entry."""
        hashed = hash(key) & HASH_MASK
        self.count = count = self.count + 1
        if (count > self._limit or self.old is not None) and self._placed_old(hashed, handle):
            return
        chunks, mask = self.chunks, self.mask
        slot = hashed & mask
        while chunks[slot]:
            slot = (slot + 1) & mask
        self.tags[slot] = hashed
        chunks[slot] = handle

    def _placed_old(self, hashed: int, handle: int) -> bool:
        """Grow; enter it in the table that is being left, if its home there was not moved, and there is room behind it.

        At the front, where chains of the end would go on, memory may have been given back, or will be.
        """
        if self.old is None:
            self._grow()
        elif self.move(_MOVE_STEP):
            return False
        old, slots, slot = self._old_chunks, self._old_mask + 1, hashed & self._old_mask
        if slot < self._moved:
            return False
        while slot < slots and old[slot]:
            slot += 1
        if slot < slots:
            self._old_tags[slot], old[slot] = hashed, handle
        return slot < slots

    def remove(self, key: bytes, handle: int) -> None:
        """Take the chunk's entry out; it must be there."""
        hashed, table, tags, chunks, mask = hash(key) & HASH_MASK, self.table, self.tags, self.chunks, self.mask
        hole = hashed & mask
        while (found := chunks[hole]) != handle:
            hole = (hole + 1) & mask
            if not found:
                if self.old is None or table is self.old:
                    raise AssertionError("an entry that is not in the index")
                table, tags, chunks, mask = self.old, self._old_tags, self._old_chunks, self._old_mask
                hole = hashed & mask
        # the followers that may move are shifted back (Knuth, volume 3, 6.4, algorithm R)
        slot = hole
        while chunks[slot := (slot + 1) & mask]:
            if (slot - tags[slot]) & mask >= (slot - hole) & mask:
                table[hole] = table[slot]
                hole = slot
        table[hole] = 0
        self.count -= 1

    def replace(self, key: bytes, handle: int, by: int) -> None:
        """Let the entry of `handle` name the chunk `by`, which holds the same key."""
        tag = (hash(key) & HASH_MASK) << 32
        table, mask = self.table, self.mask
        slot = _slot_of(table, mask, tag | handle)
        if slot < 0 and self.old is not None:
            table, mask = self.old, self._old_mask
            slot = _slot_of(table, mask, tag | handle)
        if slot < 0:
            raise AssertionError("an entry that is not in the index")
        table[slot] = tag | by

    def _grow(self) -> None:
        self._keep_old(self.table, self._map)
        self._moved = self._given_back = 0
        self._use_table(room_for(2 * (self.mask + 1)))

    def _keep_old(self, table: memoryview, mapping: mmap.mmap) -> None:
        self.old, self._old_map, self._old_mask = table, mapping, len(table) - 1
        self._old_tags, self._old_chunks = _halves(table)

    def move(self, slots: int) -> bool:
        """Go on with a growth: by at least so many old slots, and on to an empty one. Whether none goes on then."""
        old, old_mask = self.old, self._old_mask
        if old is None:
            return True
        tags, chunks, mask = self.tags, self.chunks, self.mask
        at, end = self._moved, min(self._moved + slots, old_mask + 1)
        old_tags, old_chunks = self._old_tags[at:end].tolist(), self._old_chunks[at:end].tolist()
        old[at:end] = memoryview(bytes((end - at) * _SLOT)).cast("Q")
        while (handle := self._old_chunks[end & old_mask]):  # past the last slot are the chains that begin there
            old_tags.append(self._old_tags[end & old_mask])
            old_chunks.append(handle)
            old[end & old_mask] = 0
            end += 1
        for tag, handle in zip(old_tags, old_chunks, strict=True):
            if handle:
                slot = tag & mask
                while chunks[slot]:
                    slot = (slot + 1) & mask
                tags[slot], chunks[slot] = tag, handle
        self._moved = end
        if end > old_mask:
            self._leave_old()
        elif (end * _SLOT) - self._given_back >= _GIVE_BACK:
            self._give_back(end * _SLOT)
        return self.old is None

    def _give_back(self, end: int) -> None:
        assert self._old_map is not None
        length = (end - self._given_back) // mmap.PAGESIZE * mmap.PAGESIZE
        self._old_map.madvise(mmap.MADV_DONTNEED, self._given_back, length)
        self._given_back += length

    def _leave_old(self) -> None:
        assert self.old is not None and self._old_map is not None
        _leave(self._old_map, self.old, self._old_tags, self._old_chunks)
        self.old = self._old_map = None

    # over a restart

    @property
    def mappings(self) -> list[mmap.mmap]:
        """The tables as bytes: the one in use, and the one that is being left."""
        return [self._map] if self._old_map is None else [self._map, self._old_map]

    def adopt(self, mappings: list[mmap.mmap], count: int, moved: int) -> None:
        """Take over the tables of another index: its mappings, count of entries, and slots moved."""
        _leave(self._map, self.table, self.tags, self.chunks)
        self._use_table(mappings[0])
        self.count = count
        if len(mappings) > 1:
            self._keep_old(memoryview(mappings[1]).cast("Q"), mappings[1])
            self._moved = moved
            self._given_back = moved * _SLOT // _GIVE_BACK * _GIVE_BACK

    def handles(self) -> list[int]:
        """Every handle in the index, for checks."""
        tables = [self.table] if self.old is None else [self.table, self.old]
        return [e & HANDLE_MAX for table in tables for e in table.tolist() if e]


def _halves(table: memoryview) -> tuple[memoryview, memoryview]:
    """The tags and the handles of a table's entries, each by its slot."""
    words = table.cast("B").cast("I")
    return words[1::2], words[0::2]


def _leave(mapping: mmap.mmap, *views: memoryview) -> None:
    for view in views:
        view.release()
    mapping.close()


def _slot_of(table: memoryview, mask: int, entry: int) -> int:
    slot = entry >> 32 & mask
    while (found := table[slot]) != entry:
        if not found:
            return -1
        slot = (slot + 1) & mask
    return slot
