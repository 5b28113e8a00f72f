"""Servers that DNS names, as nodes and members of a pool: slot by slot, a missing one included."""

from __future__ import annotations

from discovery.endpoint import Endpoint, EndpointSet
from mcproxy.hashing import Node
from mcproxy.outcome import Result, result_name
from mcproxy.routes.base import RouteHandle
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.error import ErrorRoute
from mcproxy.upstream.destination import Location, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

_ABSENT = ErrorRoute(f"Server unavailable. Reason: {result_name(Result.CONNECT_ERROR)}", Result.TKO)


def endpoint_members(
    endpoints: EndpointSet, destinations: DestinationMap, options: UpstreamOptions
) -> tuple[tuple[Node | None, ...], tuple[RouteHandle, ...]]:
    """(nodes, members) of a pool, slot by slot. Servers that have moved are moved."""
    slots = _slots(endpoints)
    members = [_ABSENT if endpoint is None else _member(endpoint, destinations, options) for _, endpoint in slots]
    return tuple(Node(name) for name, _ in slots), tuple(members)


def _slots(endpoints: EndpointSet) -> list[tuple[str, Endpoint | None]]:
    """(name, endpoint) by slot; a missing slot's name is known from its siblings."""
    return list(zip(endpoints.slot_names(), endpoints.slots(), strict=True))


def _member(endpoint: Endpoint, destinations: DestinationMap, options: UpstreamOptions) -> RouteHandle:
    location = Location(endpoint.address, endpoint.port)
    destination = destinations.get(endpoint.name, location, options)
    destination.move(location)
    return DestinationRoute(destination)
