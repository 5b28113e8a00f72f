"""One item's header and key in a readable form, for dumps, log lines and the crawler; never on the way of a get."""

from typing import NamedTuple

from memcache_server.store.chunk import (
    BINARY,
    CAS,
    EXPTIME,
    FETCHED,
    GAP_MASK,
    GAP_SHIFT,
    KEY,
    KEY_LENGTH_MASK,
    LAST_ACCESS,
    LIST_SHIFT,
    META,
    TEXT,
    TEXT_LENGTH,
    item_size,
)
from memcache_server.store.linked_items import LinkedItems
from memcache_server.store.segmented_lru import CLASS_MASK


class ItemView(NamedTuple):
    """Times are seconds of the server's clock, sizes bytes; `size` is the original's size of the whole item."""

    key: bytes
    client_flags: int
    exptime: int
    last_access: int
    cas: int
    slab_class: int
    value_length: int
    size: int
    fetched: bool
    binary: bool
    expired: bool
    flushed: bool


def view(store: LinkedItems, handle: int) -> ItemView:
    """Look at a linked item, dead or alive."""
    words, word, at = store.arena.words, handle << 1, (handle << 3) + TEXT
    meta, exptime, last_access = words[word + META], words[word + EXPTIME], words[word + LAST_ACCESS]
    key_end = KEY + (meta & KEY_LENGTH_MASK)
    value_at = (meta & KEY_LENGTH_MASK) + (meta >> GAP_SHIFT & GAP_MASK)
    head = store.arena.bytes[at : at + value_at]
    flushed_up_to, shift = store.flush_marks
    return ItemView(
        key=head[KEY:key_end],
        client_flags=int(head[key_end + 1 :].split(b" ", 1)[0]),
        exptime=exptime,
        last_access=last_access - shift,
        cas=store.arena.longs[handle + CAS],
        slab_class=meta >> LIST_SHIFT & CLASS_MASK,
        value_length=words[word + TEXT_LENGTH] - value_at - 2,
        size=item_size(words[word + TEXT_LENGTH], meta),
        fetched=bool(meta & FETCHED),
        binary=bool(meta & BINARY),
        expired=exptime != 0 and exptime <= store.now,
        flushed=last_access <= flushed_up_to,
    )
