"""From a config's JSON to a route tree. Any mistake refuses the whole config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcproxy.config.document import load
from mcproxy.config.environment import Environment
from mcproxy.config.jsonc import Object, error_at
from mcproxy.config.places import placed_in
from mcproxy.config.pools import Pools
from mcproxy.config.source import Reading, Source
from mcproxy.config.tree import TreeBuilder
from mcproxy.mcrouter_options import routing_prefix
from mcproxy.routes.base import Pool, RouteHandle, all_destinations
from mcproxy.routes.context import RouteContext
from mcproxy.routes.front import GroupedRemoteErrors, OnlyGets
from mcproxy.routes.logging import LoggingRoute
from mcproxy.routes.root import RootRoute
from mcproxy.upstream.destination import Destination, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """A tree that is ready to be swapped in, every destination below it, and all pools by their names."""

    root: RouteHandle
    destinations: tuple[Destination, ...]
    pools: Mapping[str, Pool] = field(default_factory=dict)


def build(
    text: str,
    destinations: DestinationMap,
    options: UpstreamOptions,
    context: RouteContext,
    environment: Environment | None = None,
) -> ProxyConfig:
    """The tree that `text` describes; destinations known already are used again. Raises ConfigError."""
    environment = environment or Environment()
    document = load(Reading(Source(text=text)), environment)
    return build_document(document, destinations, options, context, environment)


def build_document(
    document: Object,
    destinations: DestinationMap,
    options: UpstreamOptions,
    context: RouteContext,
    environment: Environment,
    make_builder: Callable[[Pools, Any, RouteContext], TreeBuilder] = TreeBuilder,
) -> ProxyConfig:
    """The tree of a document that is loaded. Raises ConfigError."""
    pools = Pools(document["pools"], destinations, options, environment)
    try:
        with placed_in(document):
            builder = make_builder(pools, document.get("named_handles", {}), context)
            pools.check()
            root = _root(document, builder, environment)
        return under_options(ProxyConfig(root, tuple(all_destinations([root])), pools.built), environment)
    except RecursionError:
        raise error_at(document, "routes are nested too deep") from None


def under_options(config: ProxyConfig, environment: Environment) -> ProxyConfig:
    """The tree below what options put above it."""
    root = config.root
    if environment.groups_remote_errors:
        root = GroupedRemoteErrors(root)
    if environment.logs_requests:
        root = LoggingRoute(root)
    return replace(config, root=OnlyGets(root) if environment.only_gets else root)


def _root(document: Object, builder: TreeBuilder, environment: Environment) -> RouteHandle:
    if ("route" in document) == ("routes" in document):
        raise error_at(document, "exactly one of route and routes is expected")
    default = environment.default_prefix.encode()
    if "route" in document:
        handle = builder.route(document["route"], "route")
        return RootRoute({default: handle}, handle, builder.context)
    by_prefix: dict[bytes, RouteHandle] = {}
    for alias, node, path in _aliases(document["routes"], document):
        prefix = alias.encode()
        if prefix in by_prefix:
            raise error_at(alias, f"alias {alias} is given twice", path)
        try:
            routing_prefix(alias)
        except ValueError:
            raise error_at(alias, f"alias {alias} is not of the form /region/cluster/", path) from None
        by_prefix[prefix] = builder.route(node, path)
    if default not in by_prefix:
        known = ", ".join(prefix.decode() for prefix in by_prefix) or "none"
        text = f"no route has the default prefix {environment.default_prefix}; --route-prefix is one of: {known}"
        raise error_at(document, text, "routes")
    return RootRoute(by_prefix, by_prefix[default], builder.context)


def _aliases(routes: Any, document: Object) -> list[tuple[str, Any, str]]:
    """(alias, route, path) triples of `routes`, in either of its two forms."""
    if isinstance(routes, dict):
        return [(alias, node, f"routes.{alias}") for alias, node in routes.items()]
    if not isinstance(routes, list):
        raise error_at(document, "routes: a list or an object is expected", "routes")
    triples: list[tuple[str, Any, str]] = []
    for number, entry in enumerate(routes):
        path = f"routes[{number}]"
        aliases = entry.get("aliases") if isinstance(entry, dict) else None
        if not isinstance(aliases, list) or "route" not in entry or not all(isinstance(a, str) for a in aliases):
            place = entry if isinstance(entry, dict) else document
            raise error_at(place, "an entry of routes has aliases, a list of strings, and route", path)
        triples.extend((alias, entry["route"], f"{path}.route") for alias in aliases)
    return triples
