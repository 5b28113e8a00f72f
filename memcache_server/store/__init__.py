"""The store: items in flat memory, found by an open-addressing index, kept by an LRU for each slab class.

Invariants, asserted by `check.check(store)`:

I1  a key is findable exactly when its chunk is LINKED, and then the chunk is in exactly one LRU segment
I2  of each class, used + busy + free + parked chunks = pages x chunks a page
I3  pages of all classes + free pages = pages made <= the limit, or else a debt that the page mover pays
I4  the CAS counter only grows, and every link takes a new value, unless the client chose one itself
I5  nothing expired or flushed is ever returned
I6  each list's count and bytes equal the sums over its items

chunk (the layout) · exptime · slab_classes: pure · arena: memory · index · slab_allocator ·
segmented_lru · chain: one structure each · living_items: by key, alive or dead · room: what goes to make room ·
linked_items: the only one that links items · meta_items: fields and
marks by handle · store: what commands do · store_stats: its counters · check: the invariants ·
page_mover · automove · memory_limit: which class has which page, and how many there are · saved_state ·
memory_file · hash_seed: over a restart
"""

from memcache_server.store.filling import Filling
from memcache_server.store.large_text import LargeText
from memcache_server.store.living_items import StoreOptions
from memcache_server.store.store import Store, StoreResult, Value

__all__ = ["Filling", "LargeText", "Store", "StoreOptions", "StoreResult", "Value"]
