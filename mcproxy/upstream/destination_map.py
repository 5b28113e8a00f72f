"""All destinations of a process, by key: they outlive the route trees that lead to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mcproxy.upstream.connection import UpstreamConnection
from mcproxy.upstream.destination import Destination, Location, Surroundings, UpstreamOptions


class Key(NamedTuple):
    """What makes two servers the same: a stable name, and how we treat it."""

    name: str
    options: UpstreamOptions


class DestinationMap:
    """Hands out destinations while a tree is built; `keep` then drops those no tree leads to."""

    def __init__(self, shared: Surroundings) -> None:
        self._shared = shared
        self._destinations: dict[Key, Destination] = {}

    def __iter__(self) -> Iterator[Destination]:
        return iter(self._destinations.values())

    def __len__(self) -> int:
        return len(self._destinations)

    def get(self, name: str, location: Location, options: UpstreamOptions) -> Destination:
        """The destination of that name, as it was or new. It is not moved: see `move`."""
        key = Key(name, options)
        destination = self._destinations.get(key)
        if destination is None:
            destination = self._destinations[key] = Destination(name, location, options, self._shared)
        return destination

    def keep(self, used: Iterable[Destination]) -> list[Destination]:
        """Retire every destination that is not in `used`, the tree in force; returns those."""
        kept, retired = set(map(id, used)), []
        for key, destination in list(self._destinations.items()):
            if id(destination) not in kept:
                del self._destinations[key]
                destination.retire()
                retired.append(destination)
        return retired

    def connections(self) -> list[UpstreamConnection]:
        """Those that there are."""
        found = (destination.connection for destination in self._destinations.values())
        return [connection for connection in found if connection is not None]

    def close_idle(self) -> None:
        """Close connections that have done nothing since the last call."""
        for destination in self._destinations.values():
            destination.close_if_idle()

    def close(self) -> None:
        """Drop all connections."""
        for destination in self._destinations.values():
            destination.close()
