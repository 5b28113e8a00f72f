"""AllSyncRoute: every child, and the worst reply."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import severity
from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllSyncRoute(RouteHandle):
    """Sends to all; when all have answered, the worst reply is the answer, of equally bad ones the first."""

    __slots__ = ("children",)

    def __init__(self, children: Sequence[RouteHandle]) -> None:
        self.children = children

    def route(self, request: Request) -> None:
        worst = _Worst(request, len(self.children))
        for child in self.children:
            child.route(request.copy(worst))

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllSyncRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children)


class _Worst:
    """Waits for all copies of a request."""

    __slots__ = ("_left", "_raw", "_request", "_result", "_severity")

    def __init__(self, request: Request, count: int) -> None:
        self._request = request
        self._left = count
        self._severity = -1
        self._result = 0
        self._raw = b""

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if (found := severity(result)) > self._severity:
            self._severity, self._result, self._raw = found, result, raw
        self._left -= 1
        if not self._left:
            self._request.answer(self._result, self._raw)
