"""AllAsyncRoute: every child, and nobody waits."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllAsyncRoute(RouteHandle):
    """Sends to all in the background, and answers at once as NullRoute does."""

    __slots__ = ("_background", "children")

    def __init__(self, children: Sequence[RouteHandle], background: Background) -> None:
        self.children = children
        self._background = background

    def route(self, request: Request) -> None:
        for child in self.children:
            self._background.send(child.route, request)
        request.answer_by_default()

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllAsyncRoute|Pool|A"`, or with `children`. One child alone is not waited for either."""
        children = fields.children("children")
        return cls(children, fields.context.background) if children else NullRoute()
