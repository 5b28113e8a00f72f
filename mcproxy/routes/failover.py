"""FailoverRoute: the next child when one fails."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import is_failover_error
from mcproxy.request import Continuation, Request
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class FailoverRoute(RouteHandle):
    """Children in order, until one's reply is no failover error; else the last one's reply."""

    __slots__ = ("children",)

    def __init__(self, children: Sequence[RouteHandle]) -> None:
        self.children = children

    def route(self, request: Request) -> None:
        _Attempts(request, self)
        self.children[0].route(request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"FailoverRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children)


class _Attempts(Continuation):
    """How far one request has come among a FailoverRoute's children."""

    __slots__ = ("_route", "_tried")

    def __init__(self, request: Request, route: FailoverRoute) -> None:
        super().__init__(request)
        self._route = route
        self._tried = 1

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        children, tried = self._route.children, self._tried
        if tried == len(children) or not is_failover_error(result):
            self.pass_up(request, result, raw)
        else:
            self._tried = tried + 1
            children[tried].route(request)
