"""What a lookup ends in. Failures are values: a watcher expects them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from discovery.endpoint import EndpointSet


class FailureKind(Enum):
    """Why a lookup gave no endpoints; the value serves as a metric label.

    NXDOMAIN (no such name) and NODATA (a name without such records) are DNS's two ways to say "empty";
    SERVFAIL also stands for a server that cannot be reached or makes no sense.
    """

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    TIMEOUT = "timeout"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Failure:
    """A lookup that gave nothing; `detail` is a phrase for a log line."""

    kind: FailureKind
    detail: str

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Resolution:
    """A lookup that gave at least one endpoint; `ttl_s` is the shortest TTL behind it, None when untold."""

    endpoints: EndpointSet
    ttl_s: float | None
