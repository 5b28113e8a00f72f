"""At most so many clients' requests under way in one worker: the next wait in line, or are answered busy.

mcrouter's --proxy-max-inflight-requests, --proxy-max-throttled-requests and --waiting-request-timeout-ms. The limit
outlives the trees that it stands above; without these options it stands nowhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Continuation, Request
from mcproxy.routes.base import RouteHandle
from mcproxy.upstream.destination import Destination

Send = Callable[[Request], None]


class ProxyLimit:
    """Requests start in the order in which they came."""

    __slots__ = ("_inflight_max", "_is_starting", "_now", "_timeout_s", "_waiting_max", "under_way", "waiting")

    def __init__(
        self, inflight_max: int, waiting_max: int = 0, timeout_s: float = 0.0, now: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`waiting_max` 0 is any number; one that has waited longer than `timeout_s`, unless 0, is not sent."""
        self._inflight_max = inflight_max
        self._waiting_max = waiting_max
        self._timeout_s = timeout_s
        self._now = now
        self._is_starting = False
        self.under_way = 0
        self.waiting: deque[tuple[float, Request, Send]] = deque()  # (since when, request, its tree)

    def above(self, root: RouteHandle) -> RouteHandle:
        """`root` below the limit."""
        return _LimitedRoot(self, root)

    def send(self, request: Request, route: Send) -> None:
        """Route the request now or later, or answer it busy."""
        if self._waiting_max and len(self.waiting) >= self._waiting_max:
            _answer_busy(request)
            return
        self.waiting.append((self._now(), request, route))
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
        try:
            while self.waiting and self.under_way < self._inflight_max:
                since, request, route = self.waiting.popleft()
                if self._timeout_s and self._now() - since > self._timeout_s:
                    _answer_busy(request)
                    continue
                self.under_way += 1
                _UnderWay(request, self)
                route(request)
        finally:
            self._is_starting = False


def _answer_busy(request: Request) -> None:
    request.answer(Result.BUSY, OUTCOMES[Result.BUSY].line)


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


class _UnderWay(Continuation):
    """One of those that count."""

    __slots__ = ("_limit",)

    def __init__(self, request: Request, limit: ProxyLimit) -> None:
        super().__init__(request)
        self._limit = limit

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        try:
            self.pass_up(request, result, raw)
        finally:  # a fault above must not cost a place for good
            self._limit.on_done()
