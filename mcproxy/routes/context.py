"""What a route may use while it runs, beside its children: time, chance, counters, who this host is.

All of it is handed in, so a test chooses what time it is and how the dice fall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mcproxy.routes.background import Background
from mcproxy.routes.shadow_leases import TOKENS_MAX
from mcproxy.runtime_vars import RuntimeVars

# The names are mcrouter's where it has one; Counters start at 0 with these and no others.
ROUTE_COUNTERS = (
    "background_dropped",  # copies that were not sent: too many were on their way
    "dev_null_requests",
    "rate_limited",  # requests that RateLimitRoute did not let through
    "failover_all",
    "failover_all_failed",
    "failover_rate_limited",
    "failover_policy_result_error",
    "failover_policy_tko_error",
    "failover_inorder_policy",
    "failover_inorder_policy_failed",
    "failover_least_failures_policy",
    "failover_least_failures_policy_failed",
    "failover_deterministic_order_policy",
    "failover_deterministic_order_policy_failed",
    "failover_rendezvous_policy",
    "failover_rendezvous_policy_failed",
    "failover_num_collisions",
    "failover_num_failed_domain_collisions",
)

Counters = dict[str, int]
"""By name, one of ROUTE_COUNTERS; any other raises KeyError."""


def new_counters() -> Counters:
    """All at 0."""
    return dict.fromkeys(ROUTE_COUNTERS, 0)


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None:
        """Do not call after all."""


@dataclass(frozen=True, slots=True)
class RouteContext:
    """One worker's; all its trees, the old and the new, share it.

    `now` is steady and `wall_time` Unix time, both in seconds. `rng` draws from [0, 1). `host_id` is a 32-bit
    number, the same for all workers of a host and after a restart; workers count from 0.
    """

    now: Callable[[], float]
    wall_time: Callable[[], float]
    call_later: Callable[[float, Callable[[], None]], Timer]
    rng: Callable[[], float]
    host_id: int
    worker: int
    counters: Counters
    background: Background
    send_invalid_route_to_default: bool = False
    """Keys with an unknown routing prefix; without, they are errors."""
    shadow_requests_max: int = 1000
    """Copies of one shadow on their way; more are left out."""
    shadow_tokens_max: int = TOKENS_MAX
    """Leases of one shadow that are remembered, by the pool's."""
    runtime_vars: RuntimeVars = field(default_factory=RuntimeVars)
