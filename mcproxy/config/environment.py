"""What a config's meaning depends on beside its own text: the options of the command line, and what DNS says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from discovery.endpoint import EndpointSet
from mcproxy.routes.root import DEFAULT_PREFIX


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
