"""What a config's meaning depends on beside its own text: the options of the command line, and what DNS says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from discovery.endpoint import EndpointSet
from mcproxy.routes.root import DEFAULT_PREFIX
from mcproxy.settings import Settings


def nothing_known(address: str) -> EndpointSet:
    """Before anything was looked up."""
    return EndpointSet()


@dataclass(frozen=True, slots=True)
class Distances:
    """Reply timeouts in ms by how far a pool's `region` and `cluster` are from ours; 0: not used."""

    within_cluster: int = 0
    cross_cluster: int = 0
    cross_region: int = 0

    def timeout_ms(self, own_prefix: str, region: str, cluster: str) -> int:
        """Of a pool there; 0 when nothing is set for it."""
        own_region, own_cluster = own_prefix.strip("/").split("/")
        if region != own_region:
            return self.cross_region
        return self.within_cluster if cluster == own_cluster else self.cross_cluster


@dataclass(frozen=True, slots=True)
class Environment:
    """`global_values` are visible to JSONM as %name%; `endpoints` are the servers behind a discovery address."""

    default_prefix: str = DEFAULT_PREFIX
    global_values: Mapping[str, Any] = field(default_factory=dict)
    distances: Distances = Distances()
    endpoints: Callable[[str], EndpointSet] = nothing_known
    only_gets: bool = False
    groups_remote_errors: bool = False
    logs_requests: bool = False


def of_settings(
    settings: Settings, host_id: int, endpoints: Callable[[str], EndpointSet] = nothing_known
) -> Environment:
    """What the command line says."""
    return Environment(
        settings.route_prefix,
        global_values(settings, host_id),
        Distances(
            settings.within_cluster_timeout_ms,
            settings.cross_cluster_timeout_ms,
            settings.cross_region_timeout_ms,
        ),
        endpoints,
        only_gets=settings.allow_only_gets,
        groups_remote_errors=settings.group_remote_errors,
        logs_requests=settings.enable_logging_route,
    )


def global_values(settings: Settings, host_id: int) -> dict[str, Any]:
    """mcrouter's global parameters of JSONM. Options are strings, under `mcr_opts-` and their names here."""
    region, cluster = settings.route_prefix.strip("/").split("/")
    parameters = dict(settings.config_params)
    options = {
        f"mcr_opts-{row.name.replace('_', '-')}": _as_text(getattr(settings, row.name))
        for row in dataclasses.fields(settings)
    }
    return {
        **options,
        "default-route": settings.route_prefix,
        "default-region": region,
        "default-cluster": cluster,
        "hostid": str(host_id),
        "num-proxies": settings.num_proxies,
        "router-name": settings.router_name,
        "router-info-name": "Memcache",
        "service-name": settings.service_name,
        "config-params": parameters,
        **parameters,
    }


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
