"""SaltedFailoverRoute: the servers of one pool, in an order drawn for each key."""

from __future__ import annotations

from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.failover import FailoverRoute, build_failover
from mcproxy.routes.pool import PoolRoute


class SaltedFailoverRoute(FailoverRoute):
    """A FailoverRoute over a pool's route and then each of its servers."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `pool`, what PoolRoute takes, and what FailoverRoute takes."""
        return build_failover(fields, [PoolRoute.build(fields), *fields.pool("pool").members])
