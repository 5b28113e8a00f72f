"""/metrics with memcached_exporter's names, all taken from the reports behind `stats`."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mcdaemon.metrics import MetricRow, Scalar, build_info, families, process_families
from memcache_server import reports
from memcache_server.session import Shared
from memcache_server.versions import OUR_VERSION

if TYPE_CHECKING:
    from prometheus_client import Metric

# metric name -> (type, field of `stats`, help)
_GENERAL: dict[str, tuple[str, str, str]] = {
    "memcached_uptime_seconds": ("counter", "uptime", "Seconds since the server started."),
    "memcached_time_seconds": ("gauge", "time", "The server's clock, in Unix seconds."),
    "memcached_process_user_cpu_seconds_total": ("counter", "rusage_user", "User CPU time, in seconds."),
    "memcached_process_system_cpu_seconds_total": ("counter", "rusage_system", "System CPU time, in seconds."),
    "memcached_read_bytes_total": ("counter", "bytes_read", "Bytes read from clients."),
    "memcached_written_bytes_total": ("counter", "bytes_written", "Bytes sent to clients."),
    "memcached_current_connections": ("gauge", "curr_connections", "Open connections."),
    "memcached_max_connections": ("gauge", "max_connections", "Connections allowed."),
    "memcached_connections_total": ("counter", "total_connections", "Connections accepted."),
    "memcached_connections_rejected_total": ("counter", "rejected_connections", "Connections over the limit."),
    "memcached_connections_yielded_total": ("counter", "conn_yields", "Turns that ended at their bound."),
    "memcached_connections_listener_disabled_total": ("counter", "listen_disabled_num", "Times accepting stopped."),
    "memcached_accepting_connections": ("gauge", "accepting_conns", "Whether connections are accepted."),
    "memcached_current_bytes": ("gauge", "bytes", "Bytes of all items."),
    "memcached_limit_bytes": ("gauge", "limit_maxbytes", "Memory for items, in bytes."),
    "memcached_current_items": ("gauge", "curr_items", "Items in the cache."),
    "memcached_items_total": ("counter", "total_items", "Items ever stored."),
    "memcached_items_evicted_total": ("counter", "evictions", "Live items removed to make room."),
    "memcached_items_reclaimed_total": ("counter", "reclaimed", "Dead items whose room was used again."),
    "memcached_item_too_large_total": ("counter", "store_too_large", "Values refused for their size."),
    "memcached_item_no_memory_total": ("counter", "store_no_memory", "Values refused for lack of memory."),
}

# (command, status) -> fields of `stats`, those after the first subtracted
_COMMANDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("get", "hit"): ("get_hits",),
    ("get", "miss"): ("get_misses",),
    ("delete", "hit"): ("delete_hits",),
    ("delete", "miss"): ("delete_misses",),
    ("incr", "hit"): ("incr_hits",),
    ("incr", "miss"): ("incr_misses",),
    ("decr", "hit"): ("decr_hits",),
    ("decr", "miss"): ("decr_misses",),
    ("cas", "hit"): ("cas_hits",),
    ("cas", "miss"): ("cas_misses",),
    ("cas", "badval"): ("cas_badval",),
    ("touch", "hit"): ("touch_hits",),
    ("touch", "miss"): ("touch_misses",),
    ("flush", "hit"): ("cmd_flush",),
    ("set", "hit"): ("cmd_set", "cas_hits", "cas_misses", "cas_badval"),
}

# metric name -> (type, field of `stats items`)
_ITEMS: dict[str, tuple[str, str]] = {
    "memcached_slab_current_items": ("gauge", "number"),
    "memcached_slab_items_age_seconds": ("gauge", "age"),
    "memcached_slab_mem_requested_bytes": ("gauge", "mem_requested"),
    "memcached_slab_items_evicted_total": ("counter", "evicted"),
    "memcached_slab_items_evicted_nonzero_total": ("counter", "evicted_nonzero"),
    "memcached_slab_items_evicted_time_seconds": ("counter", "evicted_time"),
    "memcached_slab_items_outofmemory_total": ("counter", "outofmemory"),
    "memcached_slab_items_reclaimed_total": ("counter", "reclaimed"),
    "memcached_slab_items_expired_unfetched_total": ("counter", "expired_unfetched"),
    "memcached_slab_items_evicted_unfetched_total": ("counter", "evicted_unfetched"),
}

# metric name -> field of `stats slabs`
_SLABS: dict[str, str] = {
    "memcached_slab_chunk_size_bytes": "chunk_size",
    "memcached_slab_chunks_per_page": "chunks_per_page",
    "memcached_slab_current_pages": "total_pages",
    "memcached_slab_current_chunks": "total_chunks",
    "memcached_slab_chunks_used": "used_chunks",
    "memcached_slab_chunks_free": "free_chunks",
    "memcached_slab_chunks_free_end": "free_chunks_end",
}

# (command, status) -> fields of `stats slabs`, those after the first subtracted
_SLAB_COMMANDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("get", "hit"): ("get_hits",),
    ("delete", "hit"): ("delete_hits",),
    ("incr", "hit"): ("incr_hits",),
    ("decr", "hit"): ("decr_hits",),
    ("cas", "hit"): ("cas_hits",),
    ("cas", "badval"): ("cas_badval",),
    ("touch", "hit"): ("touch_hits",),
    ("set", "hit"): ("cmd_set", "cas_hits", "cas_badval"),
}


def _text(field: str) -> str:
    return f"`{field}` of the slab class."


def _row(name: str, kind: str, text: str, labels: tuple[str, ...] = ()) -> MetricRow:
    return MetricRow(name, "counter" if kind == "counter" else "gauge", text, labels)


_ROWS = (
    _row("memcached_up", "gauge", "Always 1: this is the server itself."),
    _row("memcached_version", "gauge", "Always 1; the version whose behaviour this is.", ("version",)),
    _row("memcached_malloced_bytes", "gauge", "Bytes of all slab pages."),
    _row("memcached_commands_total", "counter", "Commands and how they ended.", ("command", "status")),
    _row("memcached_slab_commands_total", "counter", "Commands by slab class.", ("slab", "command", "status")),
    _row("memcached_foreign_protocols_total", "counter", "Connections that spoke binary, TLS or HTTP."),
    _row("memcached_stalled_dropped_total", "counter", "Clients dropped because all held too many bytes unread."),
    *(_row(name, kind, text) for name, (kind, _, text) in _GENERAL.items()),
    *(_row(name, kind, _text(field), ("slab",)) for name, (kind, field) in _ITEMS.items()),
    *(_row(name, "gauge", _text(field), ("slab",)) for name, field in _SLABS.items()),
)


def _less(report: Mapping[str, int | str], fields: tuple[str, ...]) -> float:
    first, *others = (float(report[field]) for field in fields)
    return first - sum(others)


def collect(shared: Shared) -> "Iterator[Metric]":
    """The families of one scrape."""
    general = reports.general(shared)
    items = reports.items(shared)
    slabs, totals = reports.slabs(shared)
    values: dict[str, Scalar | Mapping[tuple[str, ...], Scalar]] = {
        "memcached_up": 1,
        "memcached_version": {(str(general["version"]),): 1},
        "memcached_malloced_bytes": float(totals["total_malloced"]),
        "memcached_foreign_protocols_total": shared.stats.foreign_protocols,
        "memcached_stalled_dropped_total": shared.stats.stalled_dropped,
        "memcached_commands_total": {labels: _less(general, fields) for labels, fields in _COMMANDS.items()},
        "memcached_slab_commands_total": {
            (str(number), *labels): _less(report, fields)
            for number, report in slabs.items()
            for labels, fields in _SLAB_COMMANDS.items()
        },
    }
    for name, (_, field, _) in _GENERAL.items():
        values[name] = float(general[field])
    for name, (_, field) in _ITEMS.items():
        values[name] = {(str(number),): float(report[field]) for number, report in items.items()}
    for name, field in _SLABS.items():
        values[name] = {(str(number),): float(report[field]) for number, report in slabs.items()}
    yield from families(_ROWS, values)
    yield from process_families(prefix="memcached_")
    yield from process_families()
    yield from build_info("memcache_server", OUR_VERSION)
