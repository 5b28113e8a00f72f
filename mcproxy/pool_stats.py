"""Statistics of the pools that --pool-stats-config-file names, from those of their servers."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from mcproxy.outcome import FIRST_ERROR
from mcproxy.routes.base import Pool, all_destinations
from mcproxy.snapshot import ServerSnapshot, shown_name

log = logging.getLogger(__name__)

PoolServers = Mapping[str, Sequence[str]]
"""The servers of pools, by the names that `stats servers` shows."""


def enabled_pools(path: str) -> frozenset[str]:
    """The names in the file. One that cannot be used ends no start: the log says so, and no pool is named."""
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
        names = given["stats_enabled_pools"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError("stats_enabled_pools must be a list of strings")
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("--pool-stats-config-file %s: %s", path, error)
        return frozenset()
    return frozenset(names)


def servers_of(pools: Mapping[str, Pool], names: Collection[str]) -> dict[str, list[str]]:
    """The servers of those `pools` that are named."""
    return {
        name: [shown_name(destination) for destination in all_destinations(pool.members)]
        for name, pool in pools.items()
        if name in names
    }


def pool_stats(pools: PoolServers, servers: Mapping[str, ServerSnapshot]) -> Iterator[tuple[str, int]]:
    """By mcrouter's names. A server that two pools have in common counts in both, with all it does."""
    for name, members in pools.items():
        seen = [servers[member] for member in members if member in servers]
        replies = [sum(server.results) for server in seen]
        duration_us = round(
            sum(s.latency_us * count for s, count in zip(seen, replies, strict=True)) / (sum(replies) or 1)
        )
        yield f"{name}.requests.sum", sum(replies)
        yield f"{name}.final_result_error.sum", sum(sum(server.results[FIRST_ERROR:]) for server in seen)
        yield f"{name}.connections", sum(server.states.get("up", 0) for server in seen)
        yield f"{name}.duration_us.avg", duration_us
        yield f"{name}.total_duration_us.avg", duration_us
