"""RandomRoute: any child."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.request import Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.locating import locate_by_child
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class RandomRoute(RouteHandle):
    """Every request goes to one child, each with the same chance."""

    __slots__ = ("_rng", "children")

    def __init__(self, children: Sequence[RouteHandle], rng: Callable[[], float]) -> None:
        """`rng` draws from [0, 1)."""
        self.children = children
        self._rng = rng

    def route(self, request: Request) -> None:
        children = self.children
        children[int(self._rng() * len(children))].route(request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        children = self.children
        return locate_by_child(keys, lambda _key: children[int(self._rng() * len(children))])

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"RandomRoute|Pool|A"`, or with `children`."""
        return random_route(fields.children("children"), fields.context.rng)


def random_route(children: Sequence[RouteHandle], rng: Callable[[], float]) -> RouteHandle:
    """A RandomRoute, where there is a choice."""
    if len(children) < 2:
        return children[0] if children else NullRoute()
    return RandomRoute(children, rng)
