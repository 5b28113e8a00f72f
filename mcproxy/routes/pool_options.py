"""What PoolRoute's parameters put around the pool, and around each of its servers.

shard_splits ─► rates ─► PoolRoute ─► shadows ─► slow_warmup ─► max_outstanding ─► server
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.outstanding_limit import OutstandingLimitRoute
from mcproxy.routes.rate_limit import rate_limited
from mcproxy.routes.shadow import shadowed
from mcproxy.routes.shard_split import shard_split
from mcproxy.routes.slow_warm_up import SlowWarmUpRoute, WarmUpSettings


def around_members(fields: Fields, members: Sequence[RouteHandle]) -> tuple[RouteHandle, ...]:
    """The servers of a pool with `max_outstanding`, `slow_warmup` and `shadows`."""
    wrapped = list(members)
    if fields.has("max_outstanding"):
        limit = fields.integer("max_outstanding", low=1)
        wrapped = [OutstandingLimitRoute(member, limit) for member in wrapped]
    warm_up = fields.object("slow_warmup")
    if warm_up is not None:
        failover, settings = warm_up.child("failoverTarget"), WarmUpSettings.of(warm_up.object("settings"))
        wrapped = [SlowWarmUpRoute(member, failover, settings, fields.context.rng) for member in wrapped]
    return tuple(shadowed(wrapped, fields))


_REFUSED = "distribution_enabled"
"""It would put keys elsewhere, by services that nobody outside mcrouter's makers has."""


def around_pool(fields: Fields, route: RouteHandle) -> RouteHandle:
    """A pool's route with `rates` and `shard_splits`."""
    if fields.boolean(_REFUSED, False):
        raise fields.error(f"{_REFUSED} works only inside its makers' company", _REFUSED)
    rates, splits = fields.object("rates"), fields.object("shard_splits")
    if rates is not None:
        route = rate_limited(route, rates, fields.context)
    if splits is not None:
        route = shard_split(route, splits, fields.boolean("split_shard_fanout", False), fields.context)
    return route
