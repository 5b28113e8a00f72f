"""How the LRU segments are kept; `lru` commands and -o change it, `stats settings` shows it."""

from dataclasses import dataclass


@dataclass(slots=True)
class LruTuning:
    """Names and first values are the original's (memcached.c settings_init)."""

    hot_lru_pct: int = 20  # of a class's bytes that HOT may hold
    warm_lru_pct: int = 40
    hot_max_factor: float = 0.2  # of the age of COLD's tail that HOT's tail may have
    warm_max_factor: float = 2.0
    temp_lru: bool = False  # items with at most temporary_ttl seconds to live go to TEMP
    temporary_ttl: int = 61
