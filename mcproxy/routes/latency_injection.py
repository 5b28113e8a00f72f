"""LatencyInjectionRoute: makes a part of the tree slow, to see what depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mcproxy.request import Continuation, Request
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.context import RouteContext
from mcproxy.upstream.destination import Destination

_PERCENTILES = "total_latency_percentile_ms"


Percentiles = Sequence[tuple[float, float]]
"""(percent of requests, seconds that they take at most), growing."""


class LatencyInjectionRoute(RouteHandle):
    """Waits before a request and after its reply, and until it has taken a total; durations in seconds.

    With `percentiles` each request's total is drawn from them; the slowest take as long as the last one says.
    """

    __slots__ = ("_before_s", "_child", "_percentiles", "_total_s", "after_s", "context")

    def __init__(
        self,
        child: RouteHandle,
        context: RouteContext,
        *,
        before_s: float = 0,
        after_s: float = 0,
        total_s: float = 0,
        percentiles: Percentiles = (),
    ) -> None:
        self._child = child
        self.context = context
        self._before_s = before_s
        self.after_s = after_s
        self._total_s = total_s
        self._percentiles = percentiles

    def draw_total_s(self) -> float:
        """Of one request."""
        if not self._percentiles:
            return self._total_s
        drawn = self.context.rng() * 100
        at_most = next((seconds for percent, seconds in self._percentiles if drawn < percent), self._percentiles[-1][1])
        return max(self._total_s, at_most)

    def route(self, request: Request) -> None:
        if self.after_s or self._total_s or self._percentiles:
            _Later(request, self)
        if self._before_s:
            self.context.call_later(self._before_s, partial(self._child.route, request))
        else:
            self._child.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `child`; at least one of `before_latency_ms`, `after_latency_ms`, `total_latency_ms`.

        Or `total_latency_percentile_ms`, an object: percentile to milliseconds.
        """
        names = ("before_latency_ms", "after_latency_ms", "total_latency_ms")
        if not any(map(fields.has, (*names, _PERCENTILES))):
            raise fields.error(f"one of {', '.join(names)} is expected")
        child = fields.child("child")
        before_s, after_s, total_s = (fields.integer(name, 0) / 1000 for name in names)
        percentiles = _percentiles(fields)
        if not (before_s or after_s or total_s or percentiles):
            return child
        return cls(child, fields.context, before_s=before_s, after_s=after_s, total_s=total_s, percentiles=percentiles)


def _percentiles(fields: Fields) -> Percentiles:
    given = fields.object(_PERCENTILES)
    if given is None:
        return ()
    try:
        by_percent = sorted((float(name), given.integer(name) / 1000) for name in given.names())
    except ValueError:
        raise fields.error("a percentile is a number from 0 to 100", _PERCENTILES) from None
    durations = [seconds for _, seconds in by_percent]
    if not all(0 < percent <= 100 for percent, _ in by_percent) or durations != sorted(durations):
        raise fields.error("percentiles are above 0 and up to 100, their latencies do not fall", _PERCENTILES)
    return by_percent


class _Later(Continuation):
    """Holds a reply back."""

    __slots__ = ("_began", "_route", "_total_s")

    def __init__(self, request: Request, route: LatencyInjectionRoute) -> None:
        super().__init__(request)
        self._route = route
        self._began = route.context.now()
        self._total_s = route.draw_total_s()

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        route = self._route
        elapsed_s = route.context.now() - self._began
        delay_s = max(route.after_s, self._total_s - elapsed_s)
        if delay_s > 0:
            route.context.call_later(delay_s, partial(self.pass_up, request, result, raw))
        else:
            self.pass_up(request, result, raw)
