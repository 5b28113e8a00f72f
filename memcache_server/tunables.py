"""Settings that commands change while the server runs (slabs, lru, lru_crawler); `stats settings` shows them."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tunables:
    """Names and first values are the original's (memcached.c settings_init)."""

    slab_automove: int = 1  # 0: no page moves by itself; 1: by ages and evictions; 2: also at every eviction
    slab_automove_ratio: float = 0.8
    slab_automove_freeratio: float = 0.01
    slab_automove_window: int = 10
    lru_crawler: bool = True
    lru_crawler_sleep: int = 100  # microseconds between two steps of a crawl, at least
    lru_crawler_tocrawl: int = 0  # items of a class that one crawl looks at; 0: all
    track_sizes: bool = False  # whether `stats sizes` counts
    sizes_since: int = 0  # the last CAS id that it does not count
