"""The fields of a pool beside its servers: timeouts by distance, hash by weights, the port, what is refused."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from mcproxy.config.environment import Environment
from mcproxy.config.fields import RouteFields
from mcproxy.config.servers import PROTOCOLS, is_discovery_address, speaks_tls
from mcproxy.upstream.destination import UpstreamOptions
from mcproxy.upstream.tko import FailOpenBounds

log = logging.getLogger(__name__)

PORT_MAX = 65535

# Read by nobody here: mcrouter's own protocols, or what has no meaning with one connection a server.
WITHOUT_EFFECT = frozenset({"additional_fanout", "hostnames", "enable_compression", "qos", "pool_locality"})


def servers_of(fields: RouteFields) -> list[Any] | str:
    """The list of servers, or a discovery address. Raises ConfigError."""
    servers = fields.value("servers")
    if isinstance(servers, list) or (isinstance(servers, str) and is_discovery_address(servers)):
        return servers
    raise fields.error("servers, a list or an address such as dnssrv+_memcache._tcp.NAME, is expected", "servers")


def options_of(fields: RouteFields, options: UpstreamOptions, environment: Environment) -> UpstreamOptions:
    """How the pool's servers are treated. Raises ConfigError."""
    if fields.text("protocol", "ascii").lower() not in PROTOCOLS:
        raise fields.error("protocol must be ascii", "protocol")
    if fields.integer("additional_fanout", 0):
        log.warning("%s: additional_fanout has no effect: a server has one connection a process", fields.kind)
    region, cluster = fields.text("region", ""), fields.text("cluster", "")
    timeout_s = options.timeout_s
    by_distance = region and cluster and environment.distances.timeout_ms(environment.default_prefix, region, cluster)
    if by_distance:
        timeout_s = by_distance / 1000
    elif fields.has("server_timeout"):
        timeout_s = fields.integer("server_timeout", low=1) / 1000
    connect_s = fields.integer("connect_timeout", low=1) / 1000 if fields.has("connect_timeout") else timeout_s
    return dataclasses.replace(
        options, timeout_s=timeout_s, connect_timeout_s=connect_s, fail_open=_fail_open(fields), tls=_tls(fields)
    )


def _tls(fields: RouteFields) -> bool:
    """What `security_mech` says, or else the older `use_ssl`."""
    if not fields.has("security_mech"):
        return fields.boolean("use_ssl", False)
    try:
        return speaks_tls(fields.text("security_mech"))
    except ValueError as error:
        raise fields.error(f"security_mech: {error}", "security_mech") from None


def _fail_open(fields: RouteFields) -> FailOpenBounds | None:
    """The bounds of `tko_tracker`, as numbers of servers or in percent of them."""
    tracker = fields.object("tko_tracker")
    if tracker is None:
        return None
    servers = fields.value("servers")
    size = len(servers) if isinstance(servers, list) else 0
    if tracker.has("percent_tko_threshold_upper"):
        if not size:
            raise fields.error("tko_tracker in percent needs a list of servers", "tko_tracker")
        upper = tracker.integer("percent_tko_threshold_upper", None, 1, 100) * size // 100
        lower = tracker.integer("percent_tko_threshold_lower", None, 0, 100) * size // 100
    else:
        upper = tracker.integer("num_tko_threshold_upper", None, 1)
        lower = tracker.integer("num_tko_threshold_lower")
    if lower > upper:
        raise fields.error("tko_tracker: the lower threshold is above the upper", "tko_tracker")
    return FailOpenBounds(fields.kind, upper, lower)


def port_override_of(fields: RouteFields) -> int:
    """The port of every server, or 0 for that each names. Raises ConfigError."""
    if fields.is_object("port_override"):
        by_protocol = fields.object("port_override")
        assert by_protocol is not None
        return by_protocol.integer("ascii", 0, 1, PORT_MAX)
    return fields.integer("port_override", 0, 1, PORT_MAX)
