"""HashRoute: one child, chosen by the key."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node, Selector
from mcproxy.request import Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.latest import latest_fields, latest_route
from mcproxy.routes.locating import locate_by_child
from mcproxy.routes.pool import nothing_found
from mcproxy.routing_prefix import hashed_part
from mcproxy.upstream.destination import Destination


class HashRoute(RouteHandle):
    """Hashes the key, up to its hash stop, over its children."""

    __slots__ = ("_routes", "_select", "children")

    def __init__(self, children: Sequence[RouteHandle], select: Selector) -> None:
        self.children = children
        self._routes = [child.route for child in children]
        self._select = select

    def route(self, request: Request) -> None:
        self._routes[self._select(hashed_part(request.key))](request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return locate_by_child(keys, lambda key: self.children[self._select(hashed_part(key))])

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `children`, and `hash_func`, `salt`, `weights`, `tags` for the hash function.

        Without children every request is an error; the config stays valid.
        """
        children = fields.children("children")
        latest = latest_fields(fields, "hash_func")
        if latest is not None:
            return latest_route(latest, children)
        function, options = fields.hash("", "WeightedCh3" if fields.has("weights") else "Ch3")
        if len(children) < 2:
            return children[0] if children else nothing_found(fields.text("name", ""))
        return cls(children, select_child(fields, function, options, len(children)))


def select_child(fields: Fields, function: str, options: HashOptions, count: int) -> Selector:
    """A hash function over children, which have no names of their own: their places are their names."""
    tags = fields.texts("tags")
    if tags and len(tags) != count:
        raise fields.error(f"{len(tags)} tags for {count} children", "tags")
    nodes = [Node(str(at), tag=tags[at] if tags else "") for at in range(count)]
    try:
        return HASH_FUNCTIONS[function](nodes, options)
    except ValueError as error:
        raise fields.error(str(error)) from error
