"""OutstandingLimitRoute: only so many requests at a server at once; the others wait in line."""

from __future__ import annotations

from collections.abc import Sequence, Sized

from mcproxy.request import Request
from mcproxy.routes.base import RouteHandle
from mcproxy.upstream.destination import Destination
from mcproxy.waiting_line import WaitingLine

WAITING_MAX = 100_000
"""Beyond, requests are answered busy."""


class OutstandingLimitRoute(RouteHandle):
    """Requests start in the order in which they came. It comes from PoolRoute's `max_outstanding`."""

    __slots__ = ("_child", "_line", "child")

    def __init__(self, child: RouteHandle, limit: int) -> None:
        """`limit` is at least 1."""
        self.child = child
        self._child = child.route
        self._line = WaitingLine(limit, WAITING_MAX)

    @property
    def under_way(self) -> int:
        """How many are at the server."""
        return self._line.under_way

    @property
    def waiting(self) -> Sized:
        """Those in line."""
        return self._line.waiting

    def route(self, request: Request) -> None:
        self._line.send(request, self._child)

    def destinations(self) -> Sequence[Destination]:
        return self.child.destinations()
