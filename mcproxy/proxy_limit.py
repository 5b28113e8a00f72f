"""At most so many clients' requests under way in one worker: the next wait in line, or are answered busy.

mcrouter's --proxy-max-inflight-requests, --proxy-max-throttled-requests and --waiting-request-timeout-ms. The limit
outlives the trees that it stands above; without these options it stands nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Request
from mcproxy.routes.base import RouteHandle
from mcproxy.upstream.destination import Destination
from mcproxy.waiting_line import WaitingLine


class ProxyLimit(WaitingLine):
    """The line before all trees."""

    __slots__ = ()

    def above(self, root: RouteHandle) -> RouteHandle:
        """`root` below the limit."""
        return _LimitedRoot(self, root)


class _LimitedRoot(RouteHandle):
    """Above the whole tree. It locates nothing, so each key of a get counts."""

    __slots__ = ("_child", "_limit", "_root")

    def __init__(self, limit: ProxyLimit, root: RouteHandle) -> None:
        self._limit = limit
        self._root = root
        self._child = root.route

    def route(self, request: Request) -> None:
        self._limit.send(request, self._child)

    def destinations(self) -> Sequence[Destination]:
        return self._root.destinations()
