"""OriginalClientHashRoute: one child, chosen by a hash that the request carries."""

from __future__ import annotations

from mcproxy.routes.base import INTEGER_MAX, Fields, RouteHandle
from mcproxy.routes.null import NullRoute


class OriginalClientHashRoute(RouteHandle):
    """The text protocol carries no such hash; it counts as 0, which leaves one child for all requests."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `children` and `offset`, which is added to the hash."""
        children = fields.children("children")
        offset = fields.integer("offset", 0, 0, INTEGER_MAX)
        return children[offset % len(children)] if children else NullRoute()
