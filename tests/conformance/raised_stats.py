"""What makes each stat change: the tables of test_stat_names, by name."""

from __future__ import annotations

from typing import NamedTuple

FLAT = "-o no_lru_maintainer,no_lru_crawler"  # nothing moves by itself


class Raised(NamedTuple):
    """A script that changes a stat, from a server with these flags. `$` begins a key of the script's own, and
    `<CAS>` is the CAS unique of the key $cas, which is there then.

    `slow`: done in the background, so waited for. `inexact`: the change may differ, not whether there is one.
    """

    sent: bytes
    flags: str = FLAT
    slow: bool = False
    inexact: bool = False


def quiet_sets(count: int, exptime: int = 0) -> bytes:
    return b"".join(b"set $%d 0 %d 1 noreply\r\nx\r\n" % (number, exptime) for number in range(count))


SET = b"set $a 0 0 1\r\n5\r\n"
UNDISTURBED = f"-c 1000 {FLAT}"  # and no test has left items that die while others count the living
EVICTING = f"-m 2 {FLAT}"  # 21,844 items of class 1
EVERY_EVICTION = quiet_sets(23_000)
DEAD_ITEMS = quiet_sets(23_000, exptime=-1)
CRAWL = quiet_sets(50) + quiet_sets(30, exptime=-1) + b"lru_crawler crawl 1\r\n"
CRAWLING = "-o no_lru_maintainer"

GENERAL: dict[str, Raised] = {
    "cmd_get": Raised(SET + b"get $a $b $a\r\n"),
    "cmd_set": Raised(SET + b"add $a 0 0 1\r\nx\r\ncas $a 0 0 1 0\r\nx\r\nms $b 1\r\nx\r\n"),
    "cmd_flush": Raised(b"flush_all\r\nflush_all 1000\r\nflush_all\r\n"),
    "cmd_touch": Raised(SET + b"touch $a 0\r\ntouch $b 0\r\ngat 0 $a $b\r\nmg $a T0\r\n"),
    "cmd_meta": Raised(SET + b"me $a\r\nme $b\r\nmg $a\r\n"),
    "get_hits": Raised(SET + b"get $a $b\r\ngets $a\r\nmg $a v\r\n"),
    "get_misses": Raised(b"get $a $b\r\ngets $a\r\nmg $a v\r\n"),
    "get_expired": Raised(b"set $a 0 -1 1\r\nx\r\nget $a\r\n"),
    "delete_misses": Raised(b"delete $a\r\nmd $a\r\n"),
    "delete_hits": Raised(SET + b"delete $a\r\n" + SET + b"md $a\r\n"),
    "incr_misses": Raised(b"incr $a 1\r\nma $a\r\n"),
    "incr_hits": Raised(SET + b"incr $a 1\r\nma $a\r\n"),
    "decr_misses": Raised(b"decr $a 1\r\nma $a MD\r\n"),
    "decr_hits": Raised(SET + b"decr $a 1\r\nma $a MD\r\n"),
    "cas_misses": Raised(b"cas $a 0 0 1 5\r\nx\r\nms $a 1 C5\r\nx\r\n"),
    "cas_hits": Raised(b"cas $cas 0 0 1 <CAS>\r\nx\r\n"),
    "cas_badval": Raised(SET + b"cas $a 0 0 1 0\r\nx\r\nms $a 1 C0\r\nx\r\n"),
    "touch_hits": Raised(SET + b"touch $a 0\r\ngat 0 $a\r\nmg $a T0\r\n"),
    "touch_misses": Raised(b"touch $a 0\r\ngat 0 $a\r\nmg $a T0\r\n"),
    "store_too_large": Raised(b"set $a 0 0 1048577\r\n" + b"x" * 1048577 + b"\r\n"),
    "store_no_memory": Raised(EVERY_EVICTION, f"-M {EVICTING}"),
    "limit_maxbytes": Raised(b"cache_memlimit 300\r\n", "-m 250"),
    "conn_yields": Raised(b"mn\r\n" * 200, "-R 20", inexact=True),
    "lru_crawler_starts": Raised(CRAWL, CRAWLING),
    "crawler_reclaimed": Raised(CRAWL, CRAWLING, slow=True),
    "crawler_items_checked": Raised(CRAWL, CRAWLING, slow=True),
    "bytes": Raised(SET + b"set $b 7 0 1000\r\n" + b"x" * 1000 + b"\r\nappend $a 0 0 3\r\n123\r\n", UNDISTURBED),
    "curr_items": Raised(SET + b"set $b 0 0 1\r\nx\r\nset $c 0 0 1\r\nx\r\ndelete $b\r\n", UNDISTURBED),
    "total_items": Raised(SET * 2 + b"add $a 0 0 1\r\nx\r\nincr $a 1\r\nappend $a 0 0 1\r\nx\r\n"),
    "expired_unfetched": Raised(DEAD_ITEMS, EVICTING),
    "evicted_unfetched": Raised(EVERY_EVICTION, EVICTING),
    "evictions": Raised(EVERY_EVICTION, EVICTING),
    "reclaimed": Raised(DEAD_ITEMS, EVICTING),
}
ITEMS: dict[str, Raised] = {
    "number": Raised(quiet_sets(10) + b"delete $3\r\n", UNDISTURBED),
    "mem_requested": Raised(quiet_sets(10) + b"delete $3\r\nset $4 0 0 3\r\nxyz\r\n", UNDISTURBED),
    "evicted": Raised(EVERY_EVICTION, EVICTING),
    "evicted_nonzero": Raised(quiet_sets(23_000, exptime=1000), EVICTING),
    "outofmemory": Raised(EVERY_EVICTION, f"-M {EVICTING}"),
    "reclaimed": Raised(DEAD_ITEMS, EVICTING),
    "expired_unfetched": Raised(DEAD_ITEMS, EVICTING),
    "evicted_unfetched": Raised(EVERY_EVICTION, EVICTING),
    "crawler_reclaimed": Raised(CRAWL, CRAWLING, slow=True),
    "crawler_items_checked": Raised(CRAWL, CRAWLING, slow=True),
}
SLABS: dict[str, Raised] = {
    "total_pages": Raised(quiet_sets(11_000)),
    "total_chunks": Raised(quiet_sets(11_000)),
    "used_chunks": Raised(quiet_sets(10) + b"delete $3\r\n", UNDISTURBED),
    "free_chunks": Raised(quiet_sets(10) + b"delete $3\r\n", UNDISTURBED),
    "get_hits": Raised(SET + b"get $a $a $b\r\n"),
    "cmd_set": Raised(SET * 3),
    "delete_hits": Raised(SET + b"delete $a\r\n"),
    "incr_hits": Raised(SET + b"incr $a 1\r\n"),
    "decr_hits": Raised(SET + b"decr $a 1\r\n"),
    "cas_hits": Raised(b"cas $cas 0 0 1 <CAS>\r\nx\r\n"),
    "cas_badval": Raised(SET + b"cas $a 0 0 1 0\r\nx\r\n"),
    "touch_hits": Raised(SET + b"touch $a 0\r\n"),
    "active_slabs": Raised(b"set $a 0 0 5000\r\n" + b"x" * 5000 + b"\r\n"),
    "total_malloced": Raised(b"set $a 0 0 50000\r\n" + b"x" * 50000 + b"\r\n"),
}

RAISED: dict[tuple[str, str], Raised] = {
    (group, name): raised
    for group, table in (("", GENERAL), ("items", ITEMS), ("slabs", SLABS))
    for name, raised in table.items()
}


class Shown(NamedTuple):
    """What a value that no script changes looks like on both servers, and why none does."""

    pattern: str
    why: str
    equal: bool = False  # both show the same


NUMBER = r"\d+"
SECONDS = r"\d+\.\d{6}"

SHOWN: dict[tuple[str, str], Shown] = {
    ("", "pid"): Shown(NUMBER, "the process"),
    ("", "uptime"): Shown(NUMBER, "the clock"),
    ("", "time"): Shown(r"\d{10}", "the clock"),
    ("", "version"): Shown(r"1\.6\.\d+", "the version followed"),
    ("", "pointer_size"): Shown("64", "the machine", equal=True),
    ("", "rusage_user"): Shown(SECONDS, "the process"),
    ("", "rusage_system"): Shown(SECONDS, "the process"),
    ("", "max_connections"): Shown("1024", "-c", equal=True),
    ("", "threads"): Shown("1", "-t 1", equal=True),
    ("", "hash_power_level"): Shown(NUMBER, "the index is another"),
    ("", "hash_bytes"): Shown(NUMBER, "the index is another"),
    ("", "hash_is_expanding"): Shown("[01]", "the index is another"),
    ("", "slab_reassign_running"): Shown("[01]", "1 for an instant"),
    ("", "slab_reassign_chunk_rescues"): Shown(NUMBER, "chunks of large items that a page move copied"),
    ("", "slab_reassign_inline_reclaim"): Shown(NUMBER, "what a page move found free or dead"),
    ("", "slab_reassign_busy_items"): Shown(NUMBER, "what a page move looked at again"),
    ("", "slab_reassign_busy_deletes"): Shown(NUMBER, "what a page move had to delete"),
    ("", "lrutail_reflocked"): Shown(NUMBER, "items held at a tail"),
    ("", "moves_within_lru"): Shown(NUMBER, "active items at the tail of WARM"),
    ("", "direct_reclaims"): Shown(NUMBER, "room made by a request since the maintainer was late"),
    ("", "lru_bumps_dropped"): Shown("0", "bumps that found their buffer full", equal=True),
    ("", "lru_crawler_running"): Shown("[01]", "1 for an instant"),
    ("", "log_worker_dropped"): Shown("0", "only where the original's threads outrun its logger", equal=True),
    ("", "slab_global_page_pool"): Shown(NUMBER, "pages that the mover set free"),
    ("", "evicted_active"): Shown("0", "only what was hit twice and is evicted while it moves", equal=True),
    ("items", "age"): Shown(NUMBER, "the clock"),
    ("items", "age_hot"): Shown(NUMBER, "the clock"),
    ("items", "age_warm"): Shown(NUMBER, "the clock"),
    ("items", "number_hot"): Shown(NUMBER, "where the maintainer has put them"),
    ("items", "number_warm"): Shown(NUMBER, "where the maintainer has put them"),
    ("items", "number_cold"): Shown(NUMBER, "where the maintainer has put them"),
    ("items", "tailrepairs"): Shown("0", "only with tail_repair_time", equal=True),
    ("items", "lrutail_reflocked"): Shown(NUMBER, "items held at a tail"),
    ("items", "moves_within_lru"): Shown(NUMBER, "active items at the tail of WARM"),
    ("items", "direct_reclaims"): Shown(NUMBER, "room made by a request since the maintainer was late"),
    ("items", "evicted_time"): Shown(NUMBER, "the clock"),
    ("items", "evicted_active"): Shown("0", "as above", equal=True),
    ("slabs", "chunk_size"): Shown("96", "the class", equal=True),
    ("slabs", "chunks_per_page"): Shown("10922", "the class", equal=True),
    ("slabs", "free_chunks_end"): Shown("0", "kept for old readers", equal=True),
    ("sizes", "sizes_status"): Shown("disabled", "without track_sizes", equal=True),
    ("conns", "addr"): Shown(r"tcp:127\.0\.0\.1:\d+", "the connection"),
    ("conns", "listen_addr"): Shown(r"tcp:127\.0\.0\.1:\d+", "the connection"),
    ("conns", "secs_since_last_cmd"): Shown(NUMBER, "the clock"),
    ("conns", "state"): Shown(r"conn_\w+", "the connection"),
}
