"""Pools of a config: their fields, and server strings to destinations."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from typing import Any

from mcproxy.config.discovered import endpoint_members
from mcproxy.config.environment import Environment
from mcproxy.config.fields import Builder, RouteFields
from mcproxy.config.jsonc import Object, error_at
from mcproxy.config.pool_fields import options_of, port_override_of, servers_of
from mcproxy.config.servers import discovery_target, is_discovery_address, parse_server
from mcproxy.hashing import Node
from mcproxy.routes.base import Pool, RouteHandle
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.keep_prefix import KeepPrefixRoute
from mcproxy.upstream.destination import UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

log = logging.getLogger(__name__)


NodesAndMembers = tuple[tuple[Node | None, ...], tuple[RouteHandle, ...]]


class Pools:
    """The `pools` of one config; each is built once, when a route first names it."""

    def __init__(
        self,
        declared: dict[str, Any],
        destinations: DestinationMap,
        options: UpstreamOptions,
        environment: Environment,
    ) -> None:
        self.builder: Builder | None = None  # of the tree, which needs the pools first
        self._declared = declared
        self._destinations = destinations
        self._options = options
        self._environment = environment
        self.built: dict[str, Pool] = {}
        self._building: set[str] = set()

    def check(self) -> None:
        """Build every pool, used or not: a mistake in any refuses the config. Raises ConfigError."""
        for name in self._declared:
            self.get(name)

    def get(self, name: str, path: str = "") -> Pool:
        """The pool called `name`, which is named at `path`. Raises ConfigError."""
        if name not in self.built:
            if name not in self._declared:
                raise error_at(name, f"no pool is called {str(name)!r}", path)
            if name in self._building:
                raise error_at(name, f"pool {name!r} contains itself", path)
            self._building.add(name)
            self.built[name] = self._build(name, self._declared[name], f"pools.{name}")
            self._building.discard(name)
        return self.built[name]

    def build_inline(self, declared: Any, path: str) -> Pool:
        """A pool written where it is used. Raises ConfigError."""
        name = declared.get("name") if isinstance(declared, dict) else None
        if not isinstance(name, str):
            return self._build("inline", declared, path)
        if name not in self.built:
            if "servers" not in declared and "inherit" not in declared:
                return self.get(name, path)
            self.built[name] = self._build(name, declared, path)
        return self.built[name]

    def _build(self, name: str, declared: Any, path: str) -> Pool:
        if not isinstance(declared, dict):
            raise error_at(declared, f"pool {name}: an object is expected", path)
        assert self.builder is not None
        given = self._inherited(name, declared, path)
        fields = RouteFields(self.builder, f"pool {name}", given, declared, path)
        options = options_of(fields, self._options, self._environment)
        servers = servers_of(fields)
        if isinstance(servers, str):
            nodes, members = self._discovered(fields, servers, options)
        else:
            nodes, members = self._listed(fields, servers, options)
        if fields.boolean("keep_routing_prefix", False):
            members = tuple(KeepPrefixRoute(member) for member in members)
        default_hash = "WeightedCh3" if any(node and node.weight != 1.0 for node in nodes) else "Ch3"
        return Pool(name, nodes, members, default_hash, fields.boolean("error_on_empty", True))

    def _listed(self, fields: RouteFields, servers: list[Any], options: UpstreamOptions) -> NodesAndMembers:
        weights = _parallel(fields, fields.numbers("weights"), "weights", len(servers))
        tags = _parallel(fields, fields.texts("tags"), "tags", len(servers))
        domains = _parallel(fields, fields.numbers("failure_domains"), "failure_domains", len(servers))
        names = fields.texts("names")
        if names and len(names) != len(servers):  # a log line would not do: keys would be placed elsewhere
            raise fields.error(f"{len(names)} names for {len(servers)} servers", "names")
        port = port_override_of(fields)
        nodes, members = [], []
        for number, server in enumerate(servers):
            name, member = self._member(fields, server, number, options, port)
            if domains and isinstance(member, DestinationRoute):
                member.failure_domain = int(domains[number])
            weight, tag = weights[number] if weights else 1.0, tags[number] if tags else ""
            nodes.append(Node(names[number] if names else name, weight, tag))
            members.append(member)
        return tuple(nodes), tuple(members)

    def _member(
        self, fields: RouteFields, server: Any, number: int, options: UpstreamOptions, port: int
    ) -> tuple[str, RouteHandle]:
        """(name, route) of an entry of `servers`: a server, or a route in its place."""
        path = f"{fields.path}.servers[{number}]"
        if isinstance(server, dict) and "type" in server:
            assert self.builder is not None
            return f"{fields.kind}#{number}", self.builder.route(server, path)
        text = server.get("hostname") if isinstance(server, dict) else server
        if not isinstance(text, str):
            raise error_at(fields.origin, f"{fields.kind}: a server is a string such as 10.0.0.1:11211", path)
        try:
            location, tls = parse_server(text, port)
        except ValueError as error:
            raise error_at(text, f"{fields.kind}: server {str(text)!r}: {error}", path) from None
        if tls is None and isinstance(server, dict):
            tls = server.get("use_ssl")
        if isinstance(tls, bool) and tls != options.tls:
            options = dataclasses.replace(options, tls=tls)
        return str(location), DestinationRoute(self._destinations.get(str(location), location, options))

    def _discovered(self, fields: RouteFields, address: str, options: UpstreamOptions) -> NodesAndMembers:
        try:
            target = discovery_target(address)
        except ValueError as error:
            raise error_at(address, f"{fields.kind}: {error}", f"{fields.path}.servers") from None
        for name in ("names", "weights", "tags", "failure_domains", "port_override"):
            if fields.has(name):
                raise fields.error(f"{name} has no meaning for servers that DNS names", name)
        return endpoint_members(self._environment.endpoints(str(target)), self._destinations, options)

    def _inherited(self, name: str, declared: dict[str, Any], path: str) -> dict[str, Any]:
        """`declared` with the fields that it does not give itself."""
        seen, chain = {name}, [declared]
        while (parent := chain[-1].get("inherit")) is not None:
            if not isinstance(parent, str) or not isinstance(self._declared.get(parent), dict):
                raise error_at(parent, f"pool {name}: inherit names no pool", f"{path}.inherit")
            if parent in seen:
                raise error_at(parent, f"pool {name} inherits from itself", f"{path}.inherit")
            seen.add(str(parent))
            chain.append(self._declared[parent])
        return {key: value for pool in reversed(chain) for key, value in pool.items()}


def discovery_addresses(document: Object) -> Iterable[str]:
    """The discovery addresses of a config's pools, wherever they are written, each once."""
    found: dict[str, None] = {}
    pending: list[Any] = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(servers := value.get("servers"), str) and is_discovery_address(servers):
                found[str(servers)] = None
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return found


def _parallel(fields: RouteFields, values: list[Any], name: str, count: int) -> list[Any]:
    """A list with an entry per server, or nothing. One of another length is ignored, as mcrouter does."""
    if values and len(values) != count:
        log.error("%s: %d %s for %d servers are ignored", fields.kind, len(values), name, count)
        return []
    return values
