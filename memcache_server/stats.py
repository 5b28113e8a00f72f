"""Counters of the server. `reports` shows them, under the names of `stats`."""

from typing import NamedTuple


class Counter(NamedTuple):
    """A row of COUNTERS: a slot of Stats, and whether `stats reset` puts it back to 0."""

    slot: str
    resets: bool = True


# Every number the server itself counts, in the order of `stats` (memcached.c server_stats). What a class of
# items counts is in store_stats.CLASS_COUNTERS.
COUNTERS: tuple[Counter, ...] = (
    Counter("curr_connections", resets=False),
    Counter("total_connections"),
    Counter("rejected_connections"),
    Counter("cmd_flush"),
    Counter("cmd_meta"),
    Counter("get_misses"),
    Counter("delete_misses"),
    Counter("incr_misses"),
    Counter("decr_misses"),
    Counter("cas_misses"),
    Counter("touch_misses"),
    Counter("store_too_large"),
    Counter("store_no_memory"),
    Counter("auth_cmds"),
    Counter("auth_errors"),
    Counter("idle_kicks"),
    Counter("bytes_read"),
    Counter("bytes_written"),
    Counter("accepting_conns", resets=False),
    Counter("listen_disabled_num"),
    Counter("time_in_listen_disabled_us"),
    Counter("conn_yields"),
    Counter("lru_crawler_starts"),
    Counter("log_worker_written"),
    Counter("log_watcher_skipped"),
    Counter("log_watcher_sent"),
    Counter("log_watchers", resets=False),
    Counter("foreign_protocols"),
    Counter("stalled_dropped"),
)


class Stats:
    """One integer slot for each row of COUNTERS."""

    __slots__ = tuple(counter.slot for counter in COUNTERS)

    curr_connections: int
    total_connections: int
    rejected_connections: int
    cmd_flush: int
    cmd_meta: int
    get_misses: int
    delete_misses: int
    incr_misses: int
    decr_misses: int
    cas_misses: int
    touch_misses: int
    store_too_large: int
    store_no_memory: int
    auth_cmds: int
    auth_errors: int
    idle_kicks: int
    bytes_read: int
    bytes_written: int
    accepting_conns: int
    listen_disabled_num: int
    time_in_listen_disabled_us: int
    conn_yields: int
    lru_crawler_starts: int
    log_worker_written: int
    log_watcher_skipped: int
    log_watcher_sent: int
    log_watchers: int
    foreign_protocols: int
    stalled_dropped: int

    def __init__(self) -> None:
        for counter in COUNTERS:
            setattr(self, counter.slot, 0)
        self.accepting_conns = 1

    def reset(self) -> None:
        """`stats reset`: all but what describes the present."""
        for counter in COUNTERS:
            if counter.resets:
                setattr(self, counter.slot, 0)
