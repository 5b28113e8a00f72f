"""The configuration that requests follow now, as admin answers tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discovery.endpoint import EndpointSet
from mcproxy.config.environment import Environment
from mcproxy.routes.base import Pool
from mcproxy.upstream.destination import UpstreamOptions


@dataclass(frozen=True, slots=True)
class InForce:
    """`document` is the configuration after its macros, or None: then the servers are `sets`, of --upstream.

    `sources` has the MD5 of each file by its path, and of the configuration itself as `mcrouter_config`; `path` is
    empty for one that was given as text.
    """

    environment: Environment
    options: UpstreamOptions
    document: dict[str, Any] | None = None
    path: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    sets: Sequence[EndpointSet] = ()
    hash_name: str = "ring"
    on_unavailable: str = "error"
    pools: Mapping[str, Pool] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The MD5 of the configuration itself; empty without one."""
        return self.sources.get("mcrouter_config", "")
