"""FailoverWithExptimeRoute: what a failover stores does not live long."""

from __future__ import annotations

from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.failover import FailoverRoute, build_failover
from mcproxy.routes.modify_exptime import ModifyExptimeRoute

EXPTIME_S = 60


class FailoverWithExptimeRoute(FailoverRoute):
    """A FailoverRoute whose children after the first get a limited exptime: they are to forget soon."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `normal`, `failover` (a list), `failover_exptime` in seconds, and what FailoverRoute takes."""
        exptime, now = fields.integer("failover_exptime", EXPTIME_S), fields.context.wall_time
        failover = fields.children("failover")
        limited = [ModifyExptimeRoute(child, exptime, True, now) for child in failover] if exptime else failover
        return build_failover(fields, [fields.child("normal"), *limited])
