"""Routes of a config, in each form they may be written, to route handles.

{"type": "PoolRoute", "pool": "A"}     an object with its type
"PoolRoute|A"                          the short form: the rest is the type's argument, a short form itself
"Pool|A"                               the list of the servers of pool A
"main", {"name": "main"}               a named handle
""                                     nothing
"""

from __future__ import annotations

from typing import Any

from mcproxy.config.fields import RouteFields
from mcproxy.config.jsonc import error_at, text_like
from mcproxy.config.pools import Pools
from mcproxy.routes import ROUTE_HANDLES
from mcproxy.routes.base import Pool, RouteHandle
from mcproxy.routes.context import RouteContext

_POOL = "Pool"

# Known to mcrouter, of use only inside the company that it was made for.
INTERNAL = frozenset(
    {
        "AxonLogRoute",
        "BlackholeRoute",
        "CarbonLookasideRoute",
        "DistributionRoute",
        "McBucketRoute",
        "McRefillRoute",
        "SRRoute",
        "SetDistributionTargetRoute",
    }
)


class TreeBuilder:
    """Builds routes; equal short forms and equal names give one shared instance."""

    def __init__(self, pools: Pools, named: Any, context: RouteContext) -> None:
        self.context = context
        self._pools = pools
        self._named = _by_name(named)
        self._shared: dict[str, list[RouteHandle]] = {}
        self._building: set[str] = set()
        pools.builder = self

    def route(self, node: Any, path: str) -> RouteHandle:
        """Exactly one route. Raises ConfigError."""
        handles = self.routes(node, path)
        if len(handles) != 1:
            raise error_at(node, f"one route is expected here, not {len(handles) or 'none'}", path)
        return handles[0]

    def routes(self, node: Any, path: str) -> list[RouteHandle]:
        """A list of routes: lists in it are flattened. Raises ConfigError."""
        if isinstance(node, list):
            return [handle for at, item in enumerate(node) for handle in self.routes(item, f"{path}[{at}]")]
        if isinstance(node, str):
            return self._shared_as(node, node, path) if node else []
        if not isinstance(node, dict):
            raise error_at(node, "a route is an object or a string", path)
        name = node.get("name")
        if isinstance(name, str) and node.get("type") != _POOL:  # a Pool's name is the pool's
            return self._shared_as(name, node, path)
        return self._from_object(node, path)

    def pool(self, node: Any, path: str) -> Pool:
        """A pool by name, or written in place."""
        return self._pools.get(node, path) if isinstance(node, str) else self._pools.build_inline(node, path)

    def _shared_as(self, name: str, node: Any, path: str) -> list[RouteHandle]:
        """What is called `name`: made once, from the named handles, else from `node`."""
        if name in self._shared:
            return self._shared[name]
        if name in self._building:
            raise error_at(node, f"route {name!r} contains itself", path)
        self._building.add(name)
        node, path = self._named.get(name, (node, path))
        if isinstance(node, dict) and ("type" in node or node.get("name") == name):
            handles = self._from_object(node, path)
        elif node == name:
            handles = self._from_short_form(node, path)
        else:
            handles = self.routes(node, path)
        self._building.discard(name)
        self._shared[name] = handles
        return handles

    def _from_object(self, node: dict[str, Any], path: str) -> list[RouteHandle]:
        kind = node.get("type")
        if not isinstance(kind, str):
            raise error_at(node, "a route without its type", path)
        if kind == _POOL:
            return list(self._pools.build_inline(node, path).members)
        return [self._make(kind, node, None, path)]

    def _from_short_form(self, text: str, path: str) -> list[RouteHandle]:
        kind, bar, rest = text.partition("|")
        if kind == _POOL and bar:
            return list(self._pools.get(text_like(rest, text), path).members)
        return [self._make(text_like(kind, text), {}, text_like(rest, text) if bar else None, path)]

    def _make(self, kind: str, node: dict[str, Any], argument: str | None, path: str) -> RouteHandle:
        row = ROUTE_HANDLES.get(kind)
        if row is None and kind in INTERNAL:
            raise error_at(kind, f"{kind} works only inside its makers' company: it is not supported", path)
        if row is None:
            raise error_at(kind, f"Unknown RouteHandle: {kind}", path)
        if argument is not None:
            if not row.argument:
                raise error_at(kind, f"{kind} takes no argument", path)
            node = {row.argument: argument}
        fields = RouteFields(self, kind, node, kind, path)
        return self.finished(row.build(fields), fields)

    def finished(self, handle: RouteHandle, fields: RouteFields) -> RouteHandle:
        """What stands in the tree for a route that is built: the route, unless somebody wants to watch it."""
        return handle


def _by_name(named: Any) -> dict[str, tuple[Any, str]]:
    """(route, path) of the named handles, in either of their two forms."""
    if isinstance(named, dict):
        return {name: (node, f"named_handles.{name}") for name, node in named.items()}
    if isinstance(named, list) and all(isinstance(n, dict) and isinstance(n.get("name"), str) for n in named):
        handles: dict[str, tuple[Any, str]] = {}
        for at, entry in enumerate(named):
            if entry["name"] in handles:
                raise error_at(entry, f"two named handles are called {entry['name']!r}", f"named_handles[{at}]")
            handles[entry["name"]] = (entry, f"named_handles[{at}]")
        return handles
    raise error_at(named, "a list of routes with names, or an object, is expected", "named_handles")
