"""How much failover is allowed: a share of the requests, so that a dead pool does not double the load of the next."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.upstream.destination import Destination

BURST = 1000.0


class FailoverLimit:
    """A bucket that fills by `rate` tokens a *request*, not a second; it starts full."""

    __slots__ = ("_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = self._tokens = burst

    def on_request(self) -> None:
        """A request came."""
        self._tokens = min(self._tokens + self._rate, self._burst)

    def take(self) -> bool:
        """Whether one more may fail over."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    @classmethod
    def of(cls, fields: Fields) -> FailoverLimit | None:
        """Config: `failover_limit` with `rate` (0 to 1) and `burst`; None without."""
        limit = fields.object("failover_limit")
        return None if limit is None else cls(limit.number("rate", None, 0.0, 1.0), limit.number("burst", BURST, 1.0))


class LimitedRoute(RouteHandle):
    """The first child, seen by the limit: every request passes here once."""

    __slots__ = ("_child", "_limit")

    def __init__(self, child: RouteHandle, limit: FailoverLimit) -> None:
        self._child = child
        self._limit = limit

    def route(self, request: Request) -> None:
        self._limit.on_request()
        self._child.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()
