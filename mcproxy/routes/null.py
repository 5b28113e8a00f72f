"""NullRoute: answers by itself."""

from __future__ import annotations

from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle


class NullRoute(RouteHandle):
    """NOT_STORED to updates and a miss to everything else; nothing is touched."""

    __slots__ = ()

    def route(self, request: Request) -> None:
        request.answer_by_default()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"NullRoute"`."""
        return cls()
