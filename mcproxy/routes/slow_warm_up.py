"""SlowWarmUpRoute: an empty server is asked seldom at first, the others' load stays off what is behind them.

warm ──hit rate < enable_threshold──► warming: gets go there with probability start + step · hit rate
◄─hit rate > disable_threshold──          and else to the failover target
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcproxy.outcome import Result, is_hard_tko
from mcproxy.request import Continuation, OpClass, Request
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.upstream.destination import Destination

_FOUND, _NOTFOUND, _TKO = Result.FOUND.value, Result.NOTFOUND.value, Result.TKO.value


@dataclass(frozen=True, slots=True)
class WarmUpSettings:
    """Rates from 0 to 1. A server counts as warm until it has answered `min_requests` gets."""

    enable_threshold: float = 0.7
    disable_threshold: float = 0.9
    start: float = 0.1
    step: float = 1.0
    min_requests: int = 100

    @classmethod
    def of(cls, fields: Fields | None) -> WarmUpSettings:
        """From `settings`; with it both thresholds are required."""
        if fields is None:
            return cls()
        settings = cls(
            fields.number("enable_threshold", high=1.0),
            fields.number("disable_threshold", high=1.0),
            fields.number("start", 0.1, high=1.0),
            fields.number("step", 1.0),
            fields.integer("min_requests", 100),
        )
        if settings.enable_threshold > settings.disable_threshold:
            raise fields.error("enable_threshold is above disable_threshold", "enable_threshold")
        return settings


class SlowWarmUpRoute(RouteHandle):
    """One server's; it comes from PoolRoute's `slow_warmup`. A server that was out begins to count anew."""

    __slots__ = ("_child", "_failover", "_is_warming", "_rng", "_settings", "hits", "misses")

    def __init__(
        self, child: RouteHandle, failover: RouteHandle, settings: WarmUpSettings, rng: Callable[[], float]
    ) -> None:
        self._child = child
        self._failover = failover
        self._settings = settings
        self._rng = rng
        self._is_warming = False
        self.hits = 0
        self.misses = 0

    def route(self, request: Request) -> None:
        if request.op_class is not OpClass.GET:
            self._child.route(request)
        elif self._is_warming and self._rng() >= self._settings.start + self._settings.step * self._hit_rate():
            self._failover.route(request)
        else:
            _Counted(request, self)
            self._child.route(request)

    def on_reply(self, result: int) -> None:
        """The server's answer to a get."""
        if result == _FOUND:
            self.hits += 1
        elif result == _NOTFOUND:
            self.misses += 1
        elif result == _TKO or is_hard_tko(result):
            self.hits = self.misses = 0
            self._is_warming = False
            return
        settings = self._settings
        if self.hits + self.misses >= max(1, settings.min_requests):
            bound = settings.disable_threshold if self._is_warming else settings.enable_threshold
            rate = self._hit_rate()
            self._is_warming = rate <= bound if self._is_warming else rate < bound

    def _hit_rate(self) -> float:
        return self.hits / (self.hits + self.misses)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self._child, self._failover])


class _Counted(Continuation):
    """Sees whether the server had it."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: SlowWarmUpRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._route.on_reply(result)
        self.pass_up(request, result, raw)
