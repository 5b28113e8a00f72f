"""The store: items in flat memory, found by an open-addressing index, kept by an LRU for each slab class.

A chunk with an item (the offsets and the meta bits stand in `chunk`):

    0      4      8         12            16            20     24    32
    +------+------+---------+-------------+-------------+------+-----+------------------------------------------+
    | next | prev | exptime | last access | text length | meta | CAS | VALUE key flags n CRLF value CRLF        |
    +------+------+---------+-------------+-------------+------+-----+------------------------------------------+
      neighbours in the              what a look-up needs        |     what `get` sends, in one slice
      list of its class              before it trusts a hit      +-- key length, list, states

    arena:   | page of class 5 | page of class 39 | page of class 5 | pool | ...      1 MiB each
    lists:   HOT --tail--> COLD --tail--> evicted;  used twice: to WARM --tail--> COLD;  short TTLs: TEMP
    index:   hash(key) -> 31-bit tag and the chunk's handle, its byte offset / 8

Invariants, asserted by `check.check(store)`, each with the files that keep it:

I1  a key is findable exactly when its chunk is LINKED, and then the chunk is in exactly one LRU
    list (living_items, linked_items, index, segmented_lru)
I2  of each class, used + busy + parked + free chunks = pages x chunks a page; busy are those of values and
    replies under way, parked those of a page that is about to leave (slab_allocator, page_mover, filling, chain)
I3  pages of all classes + pages of the pool = pages made <= the limit and what is lent for the moment
    (slab_allocator, memory_limit, room)
I4  the CAS counter only grows, and every link takes a new value, unless the client chose one itself
    (linked_items, saved_state)
I5  nothing expired or flushed is ever returned (living_items, exptime)
I6  each list's count and bytes equal the sums over its items (segmented_lru, lru_maintainer)

To read it: chunk, slab_classes and exptime are pure; arena is the memory; index, slab_allocator, segmented_lru and
chain are one structure each. A store is made of layers: living_items (by key, alive or dead) < room (what goes to make
room) < linked_items (layout, the only one that links) < meta_items (fields and marks by handle) < store (what commands
do). Values and replies under way: filling, large_text. In the background: lru_maintainer with lru_tuning, crawler with
crawl_plan, page_mover with automove and memory_limit. Over a restart: saved_state, memory_file, hash_seed.
store_stats counts, item_view shows one item, check asserts.
"""

from memcache_server.store.filling import Filling
from memcache_server.store.large_text import LargeText
from memcache_server.store.living_items import StoreOptions
from memcache_server.store.store import Store, StoreResult, Value

__all__ = ["Filling", "LargeText", "Store", "StoreOptions", "StoreResult", "Value"]
