"""What the server knows about itself, as ordered names and values. `stats` and /metrics are views of it.

Names, order and meaning are the original's (memcached.c server_stats, items.c, slabs.c), with
LRU maintainer and crawler or without. What cannot exist here is absent: libevent, threads' buffers, extstore.
"""

import os
import resource

from memcache_server.clock import FIRST_SECOND
from memcache_server.extended import Extended
from memcache_server.session import Peer, Shared, shown_address
from memcache_server.store import Store
from memcache_server.store.segmented_lru import COLD, HOT, TEMP, WARM
from memcache_server.store.slab_classes import PAGE_SIZE
from memcache_server.store.store_stats import MOVER_COUNTERS
from memcache_server.versions import MEMCACHED_VERSION

Report = dict[str, int | str]

_SETS = (("stores", 1), ("rewrites", -1), ("other_sets", 1))
"""What makes cmd_set of a class's counters."""

SSL_VERSION_NAMES = ("tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3")
_SEGMENTS = {"hot": HOT, "warm": WARM, "cold": COLD, "temp": TEMP}


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def general(shared: Shared) -> Report:
    """`stats`."""
    store, stats, clock, settings = shared.store, shared.stats, shared.clock, shared.settings
    totals, usage = store.stats, resource.getrusage(resource.RUSAGE_SELF)
    cas_hits, cas_badval = totals.total("cas_hits"), totals.total("cas_badval")
    stored = totals.total("stores")
    get_hits, touch_hits = sum(totals.hits), totals.total("touch_hits")
    return {
        "pid": os.getpid(),
        "uptime": clock.now,
        "time": clock.unix,
        "version": MEMCACHED_VERSION,
        "pointer_size": 64,
        "rusage_user": f"{usage.ru_utime:.6f}",
        "rusage_system": f"{usage.ru_stime:.6f}",
        "max_connections": settings.conn_limit,
        "curr_connections": stats.curr_connections,
        "total_connections": stats.total_connections,
        "rejected_connections": stats.rejected_connections,
        "cmd_get": get_hits + stats.get_misses,
        "cmd_set": sum(sign * totals.total(name) for name, sign in _SETS),
        "cmd_flush": stats.cmd_flush,
        "cmd_touch": touch_hits + stats.touch_misses,
        "cmd_meta": stats.cmd_meta,
        "get_hits": get_hits,
        "get_misses": stats.get_misses,
        "get_expired": totals.get_expired,
        "get_flushed": totals.get_flushed,
        "delete_misses": stats.delete_misses,
        "delete_hits": totals.total("delete_hits"),
        "incr_misses": stats.incr_misses,
        "incr_hits": totals.total("incr_hits"),
        "decr_misses": stats.decr_misses,
        "decr_hits": totals.total("decr_hits"),
        "cas_misses": stats.cas_misses,
        "cas_hits": cas_hits,
        "cas_badval": cas_badval,
        "touch_hits": touch_hits,
        "touch_misses": stats.touch_misses,
        "store_too_large": stats.store_too_large,
        "store_no_memory": stats.store_no_memory,
        "auth_cmds": stats.auth_cmds,
        "auth_errors": stats.auth_errors,
        **({"idle_kicks": stats.idle_kicks} if settings.options.idle_timeout else {}),
        "bytes_read": stats.bytes_read,
        "bytes_written": stats.bytes_written,
        "limit_maxbytes": store.memory_limit.pages * PAGE_SIZE,
        "accepting_conns": stats.accepting_conns,
        "listen_disabled_num": stats.listen_disabled_num,
        "time_in_listen_disabled_us": stats.time_in_listen_disabled_us,
        "threads": 1,
        "conn_yields": stats.conn_yields,
        "hash_power_level": store.index.power,
        "hash_bytes": store.index.memory,
        "hash_is_expanding": int(store.index.growing),
        **(_page_mover(shared) if settings.options.slab_reassign else {}),
        "lru_crawler_running": int(shared.crawler.running),
        "lru_crawler_starts": stats.lru_crawler_starts,
        **({"lru_maintainer_juggles": shared.maintainer.juggles} if settings.options.lru_maintainer else {}),
        "log_worker_dropped": 0,  # lines are dropped for a watcher, never for all
        "log_worker_written": stats.log_worker_written,
        "log_watcher_skipped": stats.log_watcher_skipped,
        "log_watcher_sent": stats.log_watcher_sent,
        "log_watchers": stats.log_watchers,
        "bytes": sum(store.lru.sizes),
        "curr_items": store.curr_items,
        "total_items": stored,
        "slab_global_page_pool": len(store.allocator.pool),
        "expired_unfetched": totals.total("expired_unfetched"),
        "evicted_unfetched": totals.total("evicted_unfetched"),
        **({"evicted_active": totals.total("evicted_active")} if settings.options.lru_maintainer else {}),
        "evictions": totals.total("evicted"),
        "reclaimed": totals.total("reclaimed"),
        "crawler_reclaimed": totals.total("crawler_reclaimed"),
        "crawler_items_checked": totals.total("crawler_items_checked"),
        "lrutail_reflocked": 0,
        **(_moves(shared) if settings.options.lru_maintainer else {}),
        **({"time_since_server_cert_refresh": clock.now - shared.tls.refreshed} if shared.tls is not None else {}),
    }


def _moves(shared: Shared) -> Report:
    """What only the LRU maintainer's lists have."""
    names = ("moves_to_cold", "moves_to_warm", "moves_within_lru", "direct_reclaims")
    # a hit that makes an item active moves it at once: none is ever dropped
    return {**{name: shared.store.stats.total(name) for name in names}, "lru_bumps_dropped": 0}


def _ssl(options: Extended) -> Report:
    return {
        "ssl_chain_cert": options.ssl_chain_cert or "NULL",
        "ssl_key": options.ssl_key or "NULL",
        "ssl_verify_mode": options.ssl_verify_mode,
        "ssl_keyformat": 1,  # PEM
        "ssl_ciphers": options.ssl_ciphers or "NULL",
        "ssl_ca_cert": options.ssl_ca_cert or "NULL",
        "ssl_kernel_tls": "no",
        "ssl_min_version": SSL_VERSION_NAMES[options.ssl_min_version],
    }


def _page_mover(shared: Shared) -> Report:
    return {
        **{name: getattr(shared.store.stats, name) for name in MOVER_COUNTERS[:-1]},
        "slab_reassign_last_busy_status": shared.mover.last_busy_status,
        "slab_reassign_running": int(shared.mover.running),
        "slabs_moved": shared.store.stats.slabs_moved,
    }


def settings(shared: Shared) -> Report:
    """`stats settings`."""
    s, tunables, tuning = shared.settings, shared.tunables, shared.store.tuning
    return {
        "maxbytes": shared.store.memory_limit.pages * PAGE_SIZE,
        "maxconns": s.conn_limit,
        "tcpport": shared.port,
        "udpport": 0,
        "inter": ",".join(s.listen) or "NULL",
        "verbosity": shared.verbosity,
        "oldest": 0,
        "evictions": "off" if s.disable_evictions else "on",
        "domain_socket": s.unix_socket or "NULL",
        "umask": s.umask_digits,
        "shutdown_command": _yes(s.enable_shutdown),
        "growth_factor": s.growth_digits,
        "chunk_size": s.chunk_size,
        "num_threads": 1,
        "stat_key_prefix": s.prefix_delimiter or ":",
        "detail_enabled": _yes(shared.prefixes.enabled),
        "reqs_per_event": s.max_requests,
        "cas_enabled": _yes(not s.disable_cas),
        "tcp_backlog": s.backlog,
        "binding_protocol": "ascii",
        "auth_enabled_sasl": "no",
        "auth_enabled_ascii": s.auth_file or "no",
        "item_size_max": s.item_size_max,
        "maxconns_fast": _yes(s.options.maxconns_fast),
        "hashpower_init": s.options.hashpower_init,
        "slab_reassign": _yes(s.options.slab_reassign),
        "slab_automove": tunables.slab_automove,
        "slab_automove_ratio": f"{tunables.slab_automove_ratio:.2f}",
        "slab_automove_window": tunables.slab_automove_window,
        "slab_chunk_max": shared.store.classes.sizes[-1],
        "lru_crawler": _yes(tunables.lru_crawler),
        "lru_crawler_sleep": tunables.lru_crawler_sleep,
        "lru_crawler_tocrawl": tunables.lru_crawler_tocrawl,
        "flush_enabled": _yes(not s.disable_flush_all),
        "dump_enabled": _yes(s.dump_enabled),
        "hash_algorithm": "siphash",
        "lru_maintainer_thread": _yes(s.options.lru_maintainer),
        "lru_segmented": _yes(shared.store.segmented),
        "hot_lru_pct": tuning.hot_lru_pct,
        "warm_lru_pct": tuning.warm_lru_pct,
        "hot_max_factor": f"{tuning.hot_max_factor:.2f}",
        "warm_max_factor": f"{tuning.warm_max_factor:.2f}",
        "temp_lru": _yes(tuning.temp_lru),
        "temporary_ttl": tuning.temporary_ttl,
        "idle_timeout": s.options.idle_timeout,
        "watcher_logbuf_size": s.options.watcher_logbuf_size,
        "track_sizes": _yes(tunables.track_sizes),
        "slab_automove_freeratio": f"{tunables.slab_automove_freeratio:.3f}",
        "ssl_enabled": _yes(s.tls),
        **(_ssl(s.options) if s.tls else {}),
        "memory_file": s.memory_file or "(null)",
        "client_flags_size": 4,
    }


def connections(shared: Shared, asking: Peer | None = None) -> dict[int, Report]:
    """`stats conns`: a report for each listener and each connection, by file descriptor; `asking`: whose command."""
    found: dict[int, Report] = {}
    for listener in shared.listeners:
        address = shown_address(listener.family, listener.getsockname())
        quiet: Report = {"secs_since_last_cmd": shared.clock.now - FIRST_SECOND}
        found[listener.fileno()] = {"addr": address, "state": "conn_listening", **quiet}
    for peer in shared.peers():
        client, ours = peer.addresses
        state, seconds = "conn_parse_cmd" if peer is asking else peer.state, peer.quiet_seconds
        quiet = {} if seconds is None else {"secs_since_last_cmd": seconds}
        found[peer.descriptor] = {"addr": client, "listen_addr": ours, "state": state, **quiet}
    return dict(sorted(found.items()))


_ITEM_REPORT: tuple[tuple[str, bool], ...] = (
    ("evicted", False),
    ("evicted_nonzero", False),
    ("evicted_time", False),
    ("outofmemory", False),
    ("tailrepairs", False),
    ("reclaimed", False),
    ("expired_unfetched", False),
    ("evicted_unfetched", False),
    ("evicted_active", True),
    ("crawler_reclaimed", False),
    ("crawler_items_checked", False),
    ("lrutail_reflocked", False),
    ("moves_to_cold", True),
    ("moves_to_warm", True),
    ("moves_within_lru", True),
    ("direct_reclaims", True),
)
"""Counters of a class in `stats items`, and whether they are there only with the LRU maintainer."""

_NEVER = [0] * 64
_ALWAYS_ZERO = ("tailrepairs", "lrutail_reflocked")  # nothing here holds an item so that its list suffers


def items(shared: Shared) -> dict[int, Report]:
    """`stats items`: a report for each class with items."""
    store, maintained = shared.store, shared.settings.options.lru_maintainer
    lru, found = store.lru, dict[int, Report]()
    counters = {
        name: _NEVER if name in _ALWAYS_ZERO else getattr(store.stats, name)
        for name, of_maintainer in _ITEM_REPORT
        if maintained or not of_maintainer
    }
    for slab_class in range(1, store.classes.count + 1):
        lists = [slab_class | segment for segment in _SEGMENTS.values()]
        number = sum(lru.count[n] for n in lists)
        if number:
            found[slab_class] = {
                "number": number,
                **(_segments(store, slab_class) if maintained else {}),
                "age": store.tail_age(slab_class | COLD),
                "mem_requested": sum(lru.sizes[n] for n in lists),
                **{name: counter[slab_class] for name, counter in counters.items()},
            }
            if maintained:
                for name, segment in _SEGMENTS.items():
                    found[slab_class][f"hits_to_{name}"] = store.stats.hits[slab_class | segment]
    return found


def _segments(store: Store, slab_class: int) -> Report:
    """The part of a class's report that only segments have."""
    report: Report = {
        f"number_{name}": store.lru.count[slab_class | segment]
        for name, segment in _SEGMENTS.items()
        if name != "temp" or store.tuning.temp_lru
    }
    return report | {"age_hot": store.tail_age(slab_class | HOT), "age_warm": store.tail_age(slab_class | WARM)}


def slabs(shared: Shared) -> tuple[dict[int, Report], Report]:
    """`stats slabs`: a report for each class with a page, and the totals."""
    store = shared.store
    counters, allocator = store.stats, store.allocator
    found: dict[int, Report] = {}
    for slab_class in range(1, store.classes.count + 1):
        pages = allocator.pages[slab_class]
        if pages:
            per_page = store.classes.chunks_per_page[slab_class - 1]
            found[slab_class] = {
                "chunk_size": store.classes.sizes[slab_class - 1],
                "chunks_per_page": per_page,
                "total_pages": pages,
                "total_chunks": pages * per_page,
                "used_chunks": pages * per_page - allocator.free[slab_class],
                "free_chunks": allocator.free[slab_class],
                "free_chunks_end": 0,
                "get_hits": sum(counters.hits[slab_class | segment] for segment in _SEGMENTS.values()),
                "cmd_set": sum(sign * getattr(counters, name)[slab_class] for name, sign in _SETS),
                "delete_hits": counters.delete_hits[slab_class],
                "incr_hits": counters.incr_hits[slab_class],
                "decr_hits": counters.decr_hits[slab_class],
                "cas_hits": counters.cas_hits[slab_class],
                "cas_badval": counters.cas_badval[slab_class],
                "touch_hits": counters.touch_hits[slab_class],
            }
    return found, {"active_slabs": len(found), "total_malloced": allocator.pages_made << 20}
