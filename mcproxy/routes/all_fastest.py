"""AllFastestRoute: every child, and the first good reply."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import is_failover_error
from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllFastestRoute(RouteHandle):
    """Sends to all; the first reply that is no failover error is the answer, else the last to come."""

    __slots__ = ("children",)

    def __init__(self, children: Sequence[RouteHandle]) -> None:
        self.children = children

    def route(self, request: Request) -> None:
        fastest = _Fastest(request, len(self.children))
        for child in self.children:
            child.route(request.copy(fastest))

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllFastestRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children)


class _Fastest:
    """Hands up one reply; those that come later are dropped."""

    __slots__ = ("_left", "_request")

    def __init__(self, request: Request, count: int) -> None:
        self._request: Request | None = request
        self._left = count

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._left -= 1
        asked = self._request
        if asked is not None and (not self._left or not is_failover_error(result)):
            self._request = None
            asked.answer(result, raw)
