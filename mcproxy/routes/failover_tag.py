"""Keys of failed-over requests that say so."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Request
from mcproxy.routes.base import RouteHandle
from mcproxy.routes.changed import is_usable_key, under_key
from mcproxy.routing_prefix import HASH_STOP
from mcproxy.upstream.destination import Destination

TAG = b":failover=1"


class TaggedRoute(RouteHandle):
    """Puts a tag behind every key with a hash stop that has room for it: it does not change where the key lives."""

    __slots__ = ("_child",)

    def __init__(self, child: RouteHandle) -> None:
        self._child = child

    def route(self, request: Request) -> None:
        key = request.key
        if HASH_STOP in key and is_usable_key(key + TAG):
            request = under_key(request, key + TAG)
        self._child.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()
