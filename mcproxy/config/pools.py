"""Pools of a config: server strings to destinations."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from discovery.service_name import split_host_port
from mcproxy.config.jsonc import error_at, line_of
from mcproxy.config_error import ConfigError
from mcproxy.hashing import Node
from mcproxy.routes.base import Pool
from mcproxy.routes.destination import DestinationRoute
from mcproxy.upstream.destination import Location, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

log = logging.getLogger(__name__)

DEFAULT_PORT = 11211

# Written by some, of no effect here: text over plain TCP is what is spoken.
_SERVER_SUFFIXES = frozenset({"ascii", "plain", "notcompressed"})


class Pools:
    """The `pools` of one config; each is built once, when a route first names it."""

    def __init__(self, declared: dict[str, Any], destinations: DestinationMap, options: UpstreamOptions) -> None:
        self._declared = declared
        self._destinations = destinations
        self._options = options
        self._built: dict[str, Pool] = {}

    def get(self, name: str, path: str = "") -> Pool:
        """The pool called `name`, which is named at `path`. Raises ConfigError."""
        if name not in self._built:
            if name not in self._declared:
                raise error_at(name, f"no pool is called {str(name)!r}", path)
            self._built[name] = self._build(name, self._declared[name], f"pools.{name}")
        return self._built[name]

    def build_inline(self, declared: Any, path: str) -> Pool:
        """A pool written where it is used. Raises ConfigError."""
        name = declared.get("name") if isinstance(declared, dict) else None
        return self._build(name if isinstance(name, str) else "inline", declared, path)

    def _build(self, name: str, declared: Any, path: str) -> Pool:
        if not isinstance(declared, dict):
            raise error_at(declared, f"pool {name}: an object is expected", path)
        servers = declared.get("servers")
        if not isinstance(servers, list):
            raise error_at(declared, f"pool {name}: servers, a list, is expected", path)
        options = self._pool_options(name, declared)
        weights = _parallel(name, declared, "weights", (int, float), len(servers))
        tags = _parallel(name, declared, "tags", (str,), len(servers))
        nodes, members = [], []
        for number, server in enumerate(servers):
            location = _location(name, server)
            destination = self._destinations.get(str(location), location, options)
            weight = float(weights[number]) if weights else 1.0
            nodes.append(Node(str(location), weight, str(tags[number]) if tags else ""))
            members.append(DestinationRoute(destination))
        return Pool(name, tuple(nodes), tuple(members), "WeightedCh3" if weights else "Ch3")

    def _pool_options(self, name: str, declared: dict[str, Any]) -> UpstreamOptions:
        timeout_s = self._milliseconds(name, declared, "server_timeout", self._options.timeout_s)
        connect_s = self._milliseconds(name, declared, "connect_timeout", timeout_s)
        if declared.get("protocol", "ascii") != "ascii":
            raise error_at(declared, f"pool {name}: protocol must be ascii")
        return dataclasses.replace(self._options, timeout_s=timeout_s, connect_timeout_s=connect_s)

    @staticmethod
    def _milliseconds(name: str, declared: dict[str, Any], field: str, default: float) -> float:
        value = declared.get(field)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ConfigError(f"pool {name}: {field} must be milliseconds above 0", line_of(declared))
        return value / 1000


def _parallel(pool: str, declared: dict[str, Any], field: str, kinds: tuple[type, ...], count: int) -> list[Any]:
    """A list with an entry per server, or nothing. One of another length is ignored, as mcrouter does."""
    values = declared.get(field, [])
    if not isinstance(values, list) or not all(isinstance(value, kinds) for value in values):
        raise ConfigError(f"pool {pool}: {field} must be a list", line_of(declared))
    if values and len(values) != count:
        log.error("pool %s: %d %s for %d servers are ignored", pool, len(values), field, count)
        return []
    return values


def _location(pool: str, server: object) -> Location:
    """`host:port`, with mcrouter's optional `:ascii:plain:notcompressed`; `[v6]:port`; `unix:/path`."""
    if not isinstance(server, str):
        raise ConfigError(f"pool {pool}: a server is a string such as 10.0.0.1:11211")
    if server.startswith("unix:/"):
        return Location(server.removeprefix("unix:"), 0)
    address = str(server)
    while (head := address.rpartition(":"))[2] in _SERVER_SUFFIXES:
        address = head[0]
    try:
        host, port = split_host_port(address, DEFAULT_PORT)
    except ValueError as error:
        raise ConfigError(f"pool {pool}: server {str(server)!r}: {error}", line_of(server)) from None
    return Location(host, port)
