"""OutstandingLimitRoute: only so many requests at a server at once; the others wait in line."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Continuation, Request
from mcproxy.routes.base import RouteHandle
from mcproxy.upstream.destination import Destination

WAITING_MAX = 100_000
"""Beyond, requests are answered busy."""


class OutstandingLimitRoute(RouteHandle):
    """Requests start in the order in which they came. It comes from PoolRoute's `max_outstanding`."""

    __slots__ = ("_child", "_is_starting", "_limit", "child", "under_way", "waiting")

    def __init__(self, child: RouteHandle, limit: int) -> None:
        """`limit` is at least 1."""
        self.child = child
        self._child = child.route
        self._limit = limit
        self._is_starting = False
        self.under_way = 0
        self.waiting: deque[Request] = deque()

    def route(self, request: Request) -> None:
        if len(self.waiting) >= WAITING_MAX:
            request.answer(Result.BUSY, OUTCOMES[Result.BUSY].line)
            return
        self.waiting.append(request)
        self._start()

    def on_done(self) -> None:
        """A request is answered."""
        self.under_way -= 1
        self._start()

    def _start(self) -> None:
        """One loop, however deep: a server that is out answers at once, and must not be asked from in there."""
        if self._is_starting:
            return
        self._is_starting = True
        while self.waiting and self.under_way < self._limit:
            self.under_way += 1
            request = self.waiting.popleft()
            _UnderWay(request, self)
            self._child(request)
        self._is_starting = False

    def destinations(self) -> Sequence[Destination]:
        return self.child.destinations()


class _UnderWay(Continuation):
    """One of those at the server."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: OutstandingLimitRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self.pass_up(request, result, raw)
        self._route.on_done()
