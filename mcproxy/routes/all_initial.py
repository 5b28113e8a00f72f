"""AllInitialRoute: every child, and the reply of the first."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllInitialRoute(RouteHandle):
    """Sends to all; the first child's reply is the answer, the others get theirs in the background."""

    __slots__ = ("_background", "children")

    def __init__(self, children: Sequence[RouteHandle], background: Background) -> None:
        self.children = children
        self._background = background

    def route(self, request: Request) -> None:
        first, *others = self.children
        for child in others:  # before the first one is asked: it may give the request another key
            self._background.send(child.route, request)
        first.route(request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllInitialRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children, fields.context.background)
