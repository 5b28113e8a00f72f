"""What the store counts, for each class. `stats items`, `stats slabs` and the totals of `stats` derive from it."""

from memcache_server.store.slab_classes import CLASSES_MAX

_CLASSES = CLASSES_MAX + 1
_LISTS = 256

# Counters of a class.
CLASS_COUNTERS: tuple[str, ...] = (
    "stores",  # items stored, by any command
    "rewrites",  # of these, not by a set of an item of this class: incr, decr, append, vivify
    "other_sets",  # sets of an item of this class that stored none: refused, or joined to another
    "delete_hits",
    "incr_hits",
    "decr_hits",
    "cas_hits",
    "cas_badval",
    "touch_hits",
    "evicted",
    "evicted_nonzero",
    "outofmemory",
    "reclaimed",
    "expired_unfetched",
    "evicted_unfetched",
    "evicted_active",
    "crawler_reclaimed",
    "crawler_items_checked",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
    "direct_reclaims",  # attempts to make room that a store had to wait for
)

# Counters of the page mover.
MOVER_COUNTERS: tuple[str, ...] = (
    "slab_reassign_rescues",  # items copied to another chunk
    "slab_reassign_chunk_rescues",  # further chunks of large items
    "slab_reassign_inline_reclaim",  # chunks of the page met while looking for one elsewhere
    "slab_reassign_busy_items",  # chunks looked at again
    "slab_reassign_busy_deletes",  # items deleted since there was no other way
    "slab_reassign_busy_nomem",  # copies that found no room
    "slabs_moved",
)


class StoreStats:
    """Plain lists of integers, indexed by class; `hits` by list number, since a get hit counts in its segment."""

    __slots__ = (*CLASS_COUNTERS, "evicted_time", "get_expired", "get_flushed", "hits", *MOVER_COUNTERS)

    def __init__(self) -> None:
        self.evicted_time = [0] * _CLASSES  # seconds since last access of the class's latest eviction
        self.reset()

    def reset(self) -> None:
        """Back to 0 (`stats reset`)."""
        for name in CLASS_COUNTERS:
            setattr(self, name, [0] * _CLASSES)
        self.hits = [0] * _LISTS
        self.get_expired = 0
        self.get_flushed = 0
        for name in MOVER_COUNTERS:
            setattr(self, name, 0)

    def total(self, name: str) -> int:
        """A class counter over all classes."""
        counter: list[int] = getattr(self, name)
        return sum(counter)

    # written out for the type checker; `reset` fills them
    stores: list[int]
    rewrites: list[int]
    other_sets: list[int]
    delete_hits: list[int]
    incr_hits: list[int]
    decr_hits: list[int]
    cas_hits: list[int]
    cas_badval: list[int]
    touch_hits: list[int]
    evicted: list[int]
    evicted_nonzero: list[int]
    outofmemory: list[int]
    reclaimed: list[int]
    expired_unfetched: list[int]
    evicted_unfetched: list[int]
    evicted_active: list[int]
    crawler_reclaimed: list[int]
    crawler_items_checked: list[int]
    moves_to_cold: list[int]
    moves_to_warm: list[int]
    moves_within_lru: list[int]
    direct_reclaims: list[int]
    slab_reassign_rescues: int
    slab_reassign_chunk_rescues: int
    slab_reassign_inline_reclaim: int
    slab_reassign_busy_items: int
    slab_reassign_busy_deletes: int
    slab_reassign_busy_nomem: int
    slabs_moved: int
