"""LatencyInjectionRoute: makes a part of the tree slow, to see what depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mcproxy.request import Continuation, Request
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.context import RouteContext
from mcproxy.upstream.destination import Destination


class LatencyInjectionRoute(RouteHandle):
    """Waits before a request and after its reply, and until it has taken a total; durations in seconds."""

    __slots__ = ("_before_s", "_child", "after_s", "context", "total_s")

    def __init__(
        self, child: RouteHandle, context: RouteContext, *, before_s: float = 0, after_s: float = 0, total_s: float = 0
    ) -> None:
        self._child = child
        self.context = context
        self._before_s = before_s
        self.after_s = after_s
        self.total_s = total_s

    def route(self, request: Request) -> None:
        if self.after_s or self.total_s:
            _Later(request, self)
        if self._before_s:
            self.context.call_later(self._before_s, partial(self._child.route, request))
        else:
            self._child.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `child`; at least one of `before_latency_ms`, `after_latency_ms`, `total_latency_ms`."""
        names = ("before_latency_ms", "after_latency_ms", "total_latency_ms")
        if not any(map(fields.has, names)):
            raise fields.error(f"one of {', '.join(names)} is expected")
        child = fields.child("child")
        before_s, after_s, total_s = (fields.integer(name, 0) / 1000 for name in names)
        if not (before_s or after_s or total_s):
            return child
        return cls(child, fields.context, before_s=before_s, after_s=after_s, total_s=total_s)


class _Later(Continuation):
    """Holds a reply back."""

    __slots__ = ("_began", "_route")

    def __init__(self, request: Request, route: LatencyInjectionRoute) -> None:
        super().__init__(request)
        self._route = route
        self._began = route.context.now()

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        route = self._route
        elapsed_s = route.context.now() - self._began
        delay_s = max(route.after_s, route.total_s - elapsed_s)
        if delay_s > 0:
            route.context.call_later(delay_s, partial(self.pass_up, request, result, raw))
        else:
            self.pass_up(request, result, raw)
