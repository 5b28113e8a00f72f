"""KeepPrefixRoute: what a pool with `keep_routing_prefix` puts before each of its servers."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Request
from mcproxy.routes.base import RouteHandle
from mcproxy.routes.changed import is_usable_key, under_key
from mcproxy.routing_prefix import PrefixedKey
from mcproxy.upstream.destination import Destination


class KeepPrefixRoute(RouteHandle):
    """Gives the key back the routing prefix it came with; a key that came without stays as it is."""

    __slots__ = ("_member",)

    def __init__(self, member: RouteHandle) -> None:
        self._member = member

    def route(self, request: Request) -> None:
        if isinstance(request.key, PrefixedKey):
            key = request.key.prefix + request.key
            if not is_usable_key(key):
                request.answer(Result.BAD_KEY, OUTCOMES[Result.BAD_KEY].line)
                return
            request = under_key(request, key)
        self._member.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._member.destinations()
