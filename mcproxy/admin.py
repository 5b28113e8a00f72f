"""What `stats` and its groups say: mcrouter's names, and a plain END where exporters ask for memcached's."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mcproto.encode import END
from mcproxy.derived_stats import derived_stats
from mcproxy.durations import SUMS
from mcproxy.outcome import FIRST_ERROR, Result
from mcproxy.pool_stats import PoolServers, pool_stats
from mcproxy.snapshot import Servers
from mcproxy.stats import RATES
from mcproxy.upstream.tko import Health

BAD_STATS = b"CLIENT_ERROR bad stats command\r\n"

_UNSEEN = frozenset(("pid", "ready", *SUMS, *RATES.values()))  # columns of which others are made

Pairs = Iterable[tuple[str, object]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change while the process lives. `started_at` is Unix time in seconds."""

    version: str
    command_line: str
    started_at: float
    servers_from: str
    """`config FILE`, `upstream`, or `embedded cluster`."""


@dataclass(frozen=True, slots=True)
class View:
    """All workers together: the counters' sums, the servers, the workers' process ids."""

    facts: Facts
    totals: Callable[[], Mapping[str, int]]
    servers: Callable[[], Servers]
    pids: Callable[[], list[int]]
    pools: Callable[[], PoolServers] = dict
    """Those with statistics of their own."""


def stats_text(view: View, group: str) -> bytes:
    """The reply to `stats GROUP`."""
    lines = GROUPS.get(group)
    if lines is None:
        return BAD_STATS
    return b"".join(b"STAT %b %b\r\n" % (n.encode(), str(v).encode()) for n, v in lines(view)) + END


def basic_stats(view: View) -> Iterator[tuple[str, object]]:
    """What `stats` says: names as mcrouter's, values as numbers or texts."""
    facts, now = view.facts, time.time()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield "version", facts.version
    yield "commandargs", facts.command_line
    yield "pid", os.getpid()
    yield "parent_pid", os.getppid()
    yield "time", int(now)
    yield "start_time", int(facts.started_at)
    yield "uptime", int(now - facts.started_at)
    yield "servers_from", facts.servers_from
    totals = view.totals()
    yield "num_clients", totals["num_client_connections"]
    yield "config_age", max(int(now) - totals["config_last_success"], 0) if totals["config_last_success"] else 0
    yield from ((name, value) for name, value in totals.items() if name not in _UNSEEN)
    yield from derived_stats(totals).items()
    yield "rusage_user", round(usage.ru_utime, 6)
    yield "rusage_system", round(usage.ru_stime, 6)
    yield "ps_user_time_sec", round(usage.ru_utime, 6)
    yield "ps_system_time_sec", round(usage.ru_stime, 6)
    resident, virtual = _memory()
    yield "ps_rss", resident
    yield "ps_vsize", virtual
    yield from pool_stats(view.pools(), view.servers())


def _memory() -> tuple[int, int]:
    """(resident, virtual) bytes of this process; proc(5) statm counts pages."""
    page = resource.getpagesize()
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123
        virtual, resident = statm.read().split()[:2]
    return int(resident) * page, int(virtual) * page


def _servers(view: View) -> Iterator[tuple[str, object]]:
    for name, server in view.servers().items():
        tko = "" if server.health == Health.UP.value else f"{server.health}_tko; "
        states = " ".join(f"{state}:{count}" for state, count in server.states.items() if count)
        results = " ".join(
            f"{Result(result).name.lower()}:{count}" for result, count in enumerate(server.results) if count
        )
        yield (
            name,
            f"avg_latency_us:{server.latency_us:.3f} pending_reqs:{server.pending} "
            f"inflight_reqs:{server.inflight} {tko}{states}; {results}".rstrip(),
        )


def _suspects(view: View) -> Iterator[tuple[str, object]]:
    for name, server in view.servers().items():
        if server.failures:
            status = "down" if server.health == Health.UP.value else "tko"
            yield name.partition(":ascii:")[0], f"status:{status} num_failures:{server.failures}"


def _errors(view: View) -> Iterator[tuple[str, object]]:
    replies = [0] * len(Result)
    for server in view.servers().values():
        replies = [a + b for a, b in zip(replies, server.results, strict=True)]
    for result in Result:
        if result >= FIRST_ERROR:
            yield f"result_{result.name.lower()}_all_count", replies[result]


def _counts(view: View) -> Iterator[tuple[str, object]]:
    yield from ((name, value) for name, value in view.totals().items() if name.endswith("_count"))


def _version(view: View) -> Iterator[tuple[str, object]]:
    yield "mcrouter-version", view.facts.version


def _nothing(view: View) -> Pairs:
    return ()


GROUPS: dict[str, Callable[[View], Pairs]] = {
    "": basic_stats,
    "all": basic_stats,
    "detailed": basic_stats,
    "ods": basic_stats,
    "external": basic_stats,
    "count": _counts,
    "cmd-error": _errors,
    "servers": _servers,
    "suspect_servers": _suspects,
    "version": _version,
    # memcached's, which its exporters ask for
    "settings": _nothing,
    "slabs": _nothing,
    "items": _nothing,
    "sizes": _nothing,
    "conns": _nothing,
    "reset": _nothing,
}
