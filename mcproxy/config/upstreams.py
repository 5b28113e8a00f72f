"""The pool of `--upstream` addresses: followed by discovery, placed by stable names.

    watcher a ─┐                       slots: index hashes count them, a missing one included
    watcher b ─┼─► endpoints ─► Pool ──┤
    watcher c ─┘                       names: what a ring is built from

Where a key lives depends on names only, so an address may change, a pod may be away, and every proxy still
places every key alike. A slot without a server answers as a server that is out does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from discovery.endpoint import EndpointSet
from mcproxy.config.builder import ProxyConfig
from mcproxy.config.discovered import endpoint_members
from mcproxy.hashing import HashOptions
from mcproxy.routes.base import Pool, RouteHandle, all_destinations
from mcproxy.routes.pool import pool_route
from mcproxy.routes.unavailable import MissWhenAway, NextWhenAway
from mcproxy.upstream.destination import UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

POOL_NAME = "upstream"

ON_UNAVAILABLE: dict[str, Callable[[RouteHandle, Sequence[RouteHandle]], RouteHandle]] = {
    "error": lambda pool, members: pool,
    "miss": lambda pool, members: MissWhenAway(pool),
    "next": lambda pool, members: NextWhenAway(pool, members) if len(members) > 1 else pool,
}

INDEX_HASHES = frozenset({"ch3", "crc32", "jump", "modula"})
"""They count slots, so they are at home only where every server has a number of its own."""


def build_upstreams(
    sets: Sequence[EndpointSet],
    hash_name: str,
    destinations: DestinationMap,
    options: UpstreamOptions,
    on_unavailable: str = "error",
) -> ProxyConfig:
    """The tree over all endpoints of `sets`, in their order. Servers that have moved are moved.

    `on_unavailable` is a row of ON_UNAVAILABLE: what clients see while a server is away.
    Raises ValueError when two addresses lead to the same name, which no hash can tell apart.
    """
    pairs = [endpoint_members(endpoints, destinations, options) for endpoints in sets]
    nodes = [node for nodes, _ in pairs for node in nodes]
    members = [member for _, members in pairs for member in members]
    pool = Pool(POOL_NAME, tuple(nodes), tuple(members))
    root = ON_UNAVAILABLE[on_unavailable](pool_route(pool, hash_name, HashOptions()), members)
    return ProxyConfig(root, all_destinations(members), {POOL_NAME: pool})
