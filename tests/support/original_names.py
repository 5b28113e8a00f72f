"""Names that memcached 1.6 knows: flags, -o options, stats, meta flags, commands. 1.6.18's from its help and its
answers, those of 1.6.42 from its sources; a test holds the first part against the program itself.
"""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FLAGS = frozenset(
    _words(
        "-p -U -s -a -A -l -d -r -u -m -M -c -k -v -vv -vvv -h -i -V -P -f -n -L -D -t -R -C -b -B -I -S -F -X -W -Y "
        "-e -Z -N -o"
    )
)

# As `memcached -h` lists them.
OPTIONS_IN_HELP = frozenset(
    _words(
        "maxconns_fast hashpower tail_repair_time hash_algorithm no_lru_crawler lru_crawler_sleep lru_crawler_tocrawl "
        "read_buf_mem_limit no_lru_maintainer hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor temporary_ttl "
        "idle_timeout slab_chunk_max watcher_logbuf_size worker_logbuf_size track_sizes no_hashexpand modern no_modern "
        "sock_cookie_id ext_path ext_page_size ext_wbuf_size ext_threads ext_item_size ext_item_age ext_low_ttl "
        "ext_drop_unread ext_recache_rate ext_compact_under ext_drop_under ext_max_frag ext_max_sleep "
        "slab_automove_freeratio ssl_chain_cert ssl_key ssl_keyformat ssl_verify_mode ssl_ciphers ssl_ca_cert "
        "ssl_wbuf_size ssl_session_cache ssl_kernel_tls ssl_min_version"
    )
)
# Known to it and not told, or newer.
OPTIONS_UNTOLD = frozenset(
    _words(
        "no_maxconns_fast slab_reassign no_slab_reassign slab_automove no_slab_automove slab_automove_ratio "
        "slab_automove_window lru_crawler lru_maintainer slab_sizes inline_ascii_resp no_inline_ascii_resp "
        "no_chunked_items drop_privileges no_drop_privileges resp_obj_mem_limit relaxed_privileges proxy_config "
        "proxy_arg proxy_uring proxy_memprofile"
    )
)
OPTIONS = OPTIONS_IN_HELP | OPTIONS_UNTOLD

_CLASS_COUNTERS = "incr_hits decr_hits cas_hits cas_badval touch_hits"
_LRU = "lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru direct_reclaims"

# Sub-command of stats -> names, those with a number before or within as their last part; in the order they are sent.
STATS: dict[str, tuple[str, ...]] = {
    "": _words(
        "pid uptime time version libevent pointer_size rusage_user rusage_system max_connections curr_connections "
        "total_connections rejected_connections connection_structures response_obj_oom response_obj_count "
        "response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get "
        "cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed delete_misses delete_hits "
        "incr_misses incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses "
        "store_too_large store_no_memory auth_cmds auth_errors idle_kicks bytes_read bytes_written limit_maxbytes "
        "accepting_conns listen_disabled_num time_in_listen_disabled_us threads conn_yields hash_power_level "
        "hash_bytes hash_is_expanding slab_reassign_rescues slab_reassign_chunk_rescues "
        "slab_reassign_evictions_nomem slab_reassign_inline_reclaim slab_reassign_busy_items "
        "slab_reassign_busy_deletes slab_reassign_running slabs_moved lru_crawler_running lru_crawler_starts "
        "lru_maintainer_juggles malloc_fails log_worker_dropped log_worker_written log_watcher_skipped "
        "log_watcher_sent log_watchers unexpected_napi_ids round_robin_fallback bytes curr_items total_items "
        "slab_global_page_pool expired_unfetched evicted_unfetched evicted_active evictions reclaimed "
        f"crawler_reclaimed crawler_items_checked {_LRU} lru_bumps_dropped"
    ),
    "settings": _words(
        "maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask shutdown_command "
        "growth_factor chunk_size num_threads num_threads_per_udp stat_key_prefix detail_enabled reqs_per_event "
        "cas_enabled tcp_backlog binding_protocol auth_enabled_sasl auth_enabled_ascii item_size_max maxconns_fast "
        "hashpower_init slab_reassign slab_automove slab_automove_ratio slab_automove_window slab_chunk_max "
        "lru_crawler lru_crawler_sleep lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled "
        "hash_algorithm lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct hot_max_factor "
        "warm_max_factor temp_lru temporary_ttl idle_timeout watcher_logbuf_size worker_logbuf_size "
        "read_buf_mem_limit track_sizes inline_ascii_response ext_item_size ext_item_age ext_low_ttl "
        "ext_recache_rate ext_wbuf_size ext_compact_under ext_drop_under ext_max_sleep ext_max_frag "
        "slab_automove_freeratio ext_drop_unread ssl_enabled ssl_chain_cert ssl_key ssl_verify_mode ssl_keyformat "
        "ssl_ciphers ssl_ca_cert ssl_wbuf_size ssl_session_cache ssl_kernel_tls ssl_min_version num_napi_ids "
        "memory_file"
    ),
    "items": _words(
        "number number_hot number_warm number_cold number_temp age_hot age_warm age mem_requested evicted "
        "evicted_nonzero evicted_time outofmemory tailrepairs reclaimed expired_unfetched evicted_unfetched "
        f"evicted_active crawler_reclaimed crawler_items_checked {_LRU} hits_to_hot hits_to_warm hits_to_cold "
        "hits_to_temp"
    ),
    "slabs": _words(
        "chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks free_chunks_end get_hits cmd_set "
        f"delete_hits {_CLASS_COUNTERS} active_slabs total_malloced"
    ),
    "sizes": ("sizes_status",),
    "conns": ("addr", "listen_addr", "state", "secs_since_last_cmd"),
}
# Sub-command -> names that 1.6.42 has beside or in place of them.
NEWER_STATS: dict[str, frozenset[str]] = {
    "": frozenset(("slab_reassign_busy_nomem", "slab_reassign_last_busy_status", "time_since_server_cert_refresh")),
    "settings": frozenset(("client_flags_size",)),
}

META_LETTERS = "bcCDEfFhIJklLMNOPqRstTuvx"
META_COMMANDS = ("mg", "ms", "md", "ma")
META_MODES = ("ms ME", "ms MA", "ms MP", "ms MR", "ms MS", "ma MI", "ma M+", "ma MD", "ma M-")

# Classic, administration and the debug builds' own, with their sub-commands and modes.
COMMANDS = (
    "get", "gets", "gat", "gats", "set", "add", "replace", "append", "prepend", "cas", "delete", "incr", "decr",
    "touch", "mg", "ms", "md", "ma", "mn", "me", "version", "verbosity", "flush_all", "quit",
    "cache_memlimit", "shutdown", "shutdown graceful", "slabs reassign", "slabs automove", "slabs automove ratio",
    "slabs automove freeratio", "slabs automove window", "lru mode", "lru tune", "lru temp_ttl", "lru_crawler enable",
    "lru_crawler disable", "lru_crawler sleep", "lru_crawler tocrawl", "lru_crawler crawl", "lru_crawler metadump",
    "lru_crawler mgdump", "watch fetchers", "watch mutations", "watch evictions", "watch connevents", "watch deletions",
    "watch sysevents", "watch rawcmds", "watch proxyreqs", "watch proxyevents", "watch proxyuser",
    "stats", "stats settings", "stats items", "stats slabs", "stats sizes", "stats sizes_enable", "stats sizes_disable",
    "stats conns", "stats reset",
    "stats detail on", "stats detail off", "stats detail dump", "stats cachedump", "stats extstore", "stats proxy",
    "extstore", "refresh_certs", "debugtime", "debugitem", "misbehave",
)  # fmt: skip
