"""DestinationRoute: the leaf of the tree, a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.request import Request
from mcproxy.routes.base import Located, RouteHandle
from mcproxy.upstream.destination import Destination


class DestinationRoute(RouteHandle):
    """Sends to one server. `route` *is* the destination's `send`: the leaf adds no call of its own."""

    __slots__ = ("destination", "failure_domain", "route")

    def __init__(self, destination: Destination, failure_domain: int = 0) -> None:
        self.destination = destination
        self.failure_domain = failure_domain
        self.route: Callable[[Request], None] = destination.send  # type: ignore[assignment]

    def locate(self, keys: Sequence[bytes]) -> Located:
        return [self.destination] * len(keys), keys

    def destinations(self) -> Sequence[Destination]:
        return (self.destination,)
