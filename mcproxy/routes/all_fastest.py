"""AllFastestRoute: every child, and the first good reply."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import is_failover_error
from mcproxy.request import Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.early_answer import EarlyAnswer
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllFastestRoute(RouteHandle):
    """Sends to all; the first reply that is no failover error is the answer, else the last to come."""

    __slots__ = ("_background", "children")

    def __init__(self, children: Sequence[RouteHandle], background: Background) -> None:
        self.children = children
        self._background = background

    def route(self, request: Request) -> None:
        _Fastest(request, len(self.children), self._background).send(self.children, request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllFastestRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children, fields.context.background)


class _Fastest(EarlyAnswer):
    """Chooses the first good reply."""

    __slots__ = ()

    def decide(self, result: int, raw: bytes) -> None:
        if not self.left or not is_failover_error(result):
            self.chosen = result, raw
