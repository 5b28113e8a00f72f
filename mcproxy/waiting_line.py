"""At most so many requests under way: the next wait in line, or are answered busy. Pure.

It stands above the tree for --proxy-max-inflight-requests (proxy_limit.py), above a server for `max_outstanding`
(routes/outstanding_limit.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Continuation, Request

Send = Callable[[Request], None]


class WaitingLine:
    """Requests start in the order in which they came."""

    __slots__ = ("_is_starting", "_now", "_timeout_s", "_under_way_max", "_waiting_max", "under_way", "waiting")

    def __init__(
        self, under_way_max: int, waiting_max: int = 0, timeout_s: float = 0.0, now: Callable[[], float] = lambda: 0.0
    ) -> None:
        """`waiting_max` 0 is any number; one that has waited longer than `timeout_s`, unless 0, is not sent."""
        self._under_way_max = under_way_max
        self._waiting_max = waiting_max
        self._timeout_s = timeout_s
        self._now = now
        self._is_starting = False
        self.under_way = 0
        self.waiting: deque[tuple[float, Request, Send]] = deque()  # (since when, request, where it goes)

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
        fault: Exception | None = None
        try:
            while self.waiting and self.under_way < self._under_way_max:
                since, request, route = self.waiting.popleft()
                try:
                    self._start_one(since, request, route)
                except Exception as error:  # of this one alone: nobody might come to start those behind it
                    fault = fault or error
        finally:
            self._is_starting = False
        if fault is not None:
            raise fault

    def _start_one(self, since: float, request: Request, route: Send) -> None:
        if self._timeout_s and self._now() - since > self._timeout_s:
            _answer_busy(request)
            return
        self.under_way += 1
        _UnderWay(request, self)
        route(request)


def _answer_busy(request: Request) -> None:
    request.answer(Result.BUSY, OUTCOMES[Result.BUSY].line)


class _UnderWay(Continuation):
    """One of those that count."""

    __slots__ = ("_line",)

    def __init__(self, request: Request, line: WaitingLine) -> None:
        super().__init__(request)
        self._line = line

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        try:
            self.pass_up(request, result, raw)
        finally:  # a fault above must not cost a place for good
            self._line.on_done()
