"""From a config's JSON to a route tree. Any mistake refuses the whole config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcproxy.config import jsonc
from mcproxy.config.fields import RouteFields
from mcproxy.config.jsonc import ConfigError, Object, Text, line_of
from mcproxy.config.pools import Pools
from mcproxy.routes import ROUTE_HANDLES
from mcproxy.routes.base import Pool, RouteHandle, all_destinations
from mcproxy.routes.root import DEFAULT_PREFIX, RootRoute
from mcproxy.upstream.destination import Destination, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

_TOP_LEVEL = frozenset({"pools", "route", "routes", "named_handles", "routing_options"})


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """A tree that is ready to be swapped in, and every destination below it."""

    root: RouteHandle
    destinations: tuple[Destination, ...]


def build(text: str, destinations: DestinationMap, options: UpstreamOptions) -> ProxyConfig:
    """The tree that `text` describes; destinations known already are used again. Raises ConfigError."""
    document = jsonc.parse(text)
    if not isinstance(document, Object):
        raise ConfigError("an object is expected at the top", 1)
    for name in document:
        if name not in _TOP_LEVEL:
            raise ConfigError(f'unknown top-level key: "{name}"', line_of(name))
    pools = document.get("pools", {})
    if not isinstance(pools, dict):
        raise ConfigError("pools: an object is expected", document.line)
    builder = _TreeBuilder(Pools(pools, destinations, options), document.get("named_handles", {}))
    root = _root(document, builder)
    return ProxyConfig(root, tuple(all_destinations([root])))


def _root(document: Object, builder: _TreeBuilder) -> RouteHandle:
    if ("route" in document) == ("routes" in document):
        raise ConfigError("exactly one of route and routes is expected", document.line)
    default = DEFAULT_PREFIX.encode()
    if "route" in document:
        handle = builder.route(document["route"])
        return RootRoute({default: handle}, handle)
    by_prefix: dict[bytes, RouteHandle] = {}
    for alias, node in _aliases(document["routes"], document.line):
        prefix = alias.encode()
        if prefix in by_prefix:
            raise ConfigError(f"alias {alias} is given twice", line_of(alias))
        if prefix.count(b"/") != 3 or not (prefix.startswith(b"/") and prefix.endswith(b"/")):
            raise ConfigError(f"alias {alias} is not of the form /region/cluster/", line_of(alias))
        by_prefix[prefix] = builder.route(node)
    if default not in by_prefix:
        raise ConfigError(f"no route has the default prefix {DEFAULT_PREFIX}", document.line)
    return RootRoute(by_prefix, by_prefix[default])


def _aliases(routes: Any, line: int) -> list[tuple[str, Any]]:
    """(alias, route) pairs of `routes`, in either of its two forms."""
    if isinstance(routes, dict):
        return list(routes.items())
    if not isinstance(routes, list):
        raise ConfigError("routes: a list or an object is expected", line)
    pairs: list[tuple[str, Any]] = []
    for entry in routes:
        aliases = entry.get("aliases") if isinstance(entry, dict) else None
        if not isinstance(aliases, list) or "route" not in entry:
            raise ConfigError("an entry of routes has aliases, a list, and route", line_of(entry) or line)
        pairs.extend((alias, entry["route"]) for alias in aliases if isinstance(alias, str))
    return pairs


class _TreeBuilder:
    """Builds routes; equal short forms and equal names give one shared instance."""

    def __init__(self, pools: Pools, named: Any) -> None:
        self._pools = pools
        self._named = _by_name(named)
        self._shared: dict[str, RouteHandle] = {}
        self._building: set[str] = set()

    def route(self, node: Any) -> RouteHandle:
        """One route, from its object or short form."""
        if isinstance(node, str):
            return self._by_text(node)
        if isinstance(node, list) and len(node) == 1:
            return self.route(node[0])
        if not isinstance(node, dict):
            raise ConfigError("a route is an object or a string", line_of(node))
        if "type" not in node and isinstance(node.get("name"), str):
            return self._by_text(node["name"])
        kind = node.get("type")
        if not isinstance(kind, str):
            raise ConfigError("a route without its type", line_of(node))
        handle = self._make(kind, node)
        if isinstance(node.get("name"), str):
            self._shared.setdefault(node["name"], handle)
        return handle

    def routes(self, node: Any) -> list[RouteHandle]:
        """A list of routes; `Pool|A` stands for the servers of pool A, "" for nothing."""
        if isinstance(node, list):
            return [handle for item in node for handle in self.routes(item)]
        if isinstance(node, str):
            if not node:
                return []
            if node.startswith("Pool|"):
                return list(self._pools.get(_text(node[len("Pool|") :], node)).members)
        return [self.route(node)]

    def pool(self, node: Any) -> Pool:
        """A pool by name, or written in place."""
        if isinstance(node, str):
            return self._pools.get(node)
        name = node.get("name") if isinstance(node, dict) else None
        return self._pools.build(name if isinstance(name, str) else "inline", node)

    def _by_text(self, text: str) -> RouteHandle:
        if text in self._shared:
            return self._shared[text]
        if text in self._building:
            raise ConfigError(f"route {text!r} contains itself", line_of(text))
        self._building.add(text)
        if text in self._named:
            handle = self.route(self._named[text])
        else:
            kind, bar, rest = text.partition("|")
            handle = self._make(_text(kind, text), {}, _text(rest, text) if bar else None)
        self._building.discard(text)
        self._shared[text] = handle
        return handle

    def _make(self, kind: str, node: dict[str, Any], argument: str | None = None) -> RouteHandle:
        row, line = ROUTE_HANDLES.get(kind), line_of(kind)
        if row is None:
            raise ConfigError(f"Unknown RouteHandle: {kind}", line)
        if argument is not None:
            if not row.argument:
                raise ConfigError(f"{kind} takes no argument", line)
            node = {row.argument: argument}
        return row.build(RouteFields(self, kind, node, line))


def _by_name(named: Any) -> dict[str, Any]:
    """The named handles, in either of their two forms."""
    if isinstance(named, dict):
        return named
    if isinstance(named, list) and all(isinstance(n, dict) and isinstance(n.get("name"), str) for n in named):
        return {entry["name"]: entry for entry in named}
    raise ConfigError("named_handles: a list of routes with names, or an object, is expected", line_of(named))


def _text(text: str, origin: str) -> str:
    """`text` with the line of the string it was cut from."""
    cut = Text(text)
    cut.line = line_of(origin)
    return cut
