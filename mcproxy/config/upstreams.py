"""The pool of `--upstream` addresses: followed by discovery, placed by stable names.

    watcher a ─┐                       slots: index hashes count them, a missing one included
    watcher b ─┼─► endpoints ─► Pool ──┤
    watcher c ─┘                       names: what a ring is built from

Where a key lives depends on names only, so an address may change, a pod may be away, and every proxy still
places every key alike. A slot without a server answers as a server that is out does.
"""

from __future__ import annotations

from collections.abc import Sequence

from discovery.endpoint import Endpoint, EndpointSet
from mcproxy.config.builder import ProxyConfig
from mcproxy.hashing import HashOptions, Node
from mcproxy.outcome import Result, result_name
from mcproxy.routes.base import Pool, RouteHandle, all_destinations
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.error import ErrorRoute
from mcproxy.routes.pool import pool_route
from mcproxy.upstream.destination import Location, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

POOL_NAME = "upstream"

INDEX_HASHES = frozenset({"ch3", "crc32", "jump", "modula"})
"""They count slots, so they are at home only where every server has a number of its own."""

_ABSENT = ErrorRoute(f"Server unavailable. Reason: {result_name(Result.CONNECT_ERROR)}", Result.TKO)


def build_upstreams(
    sets: Sequence[EndpointSet], hash_name: str, destinations: DestinationMap, options: UpstreamOptions
) -> ProxyConfig:
    """The tree over all endpoints of `sets`, in their order. Servers that have moved are moved.

    Raises ValueError when two addresses lead to the same name, which no hash can tell apart.
    """
    nodes: list[Node | None] = []
    members: list[RouteHandle] = []
    for endpoints in sets:
        for name, endpoint in _slots(endpoints):
            nodes.append(Node(name))
            members.append(_ABSENT if endpoint is None else _member(endpoint, destinations, options))
    root = pool_route(Pool(POOL_NAME, tuple(nodes), tuple(members)), hash_name, HashOptions())
    return ProxyConfig(root, all_destinations(members))


def _slots(endpoints: EndpointSet) -> list[tuple[str, Endpoint | None]]:
    """(name, endpoint) by slot; a missing slot's name is known from its siblings."""
    return list(zip(endpoints.slot_names(), endpoints.slots(), strict=True))


def _member(endpoint: Endpoint, destinations: DestinationMap, options: UpstreamOptions) -> RouteHandle:
    location = Location(endpoint.address, endpoint.port)
    destination = destinations.get(endpoint.name, location, options)
    destination.move(location)
    return DestinationRoute(destination)
