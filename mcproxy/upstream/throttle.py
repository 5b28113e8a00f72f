"""At most so many requests on their way to one server; the next wait in line, and not for ever. Pure but for a timer.

mcrouter's --target-max-inflight-requests and --target-max-pending-requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from mcproxy.outcome import OUTCOMES, Result, error_line
from mcproxy.request import Continuation, Request

QUEUE_TIMEOUT = error_line("Client queue timeout")


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None:
        """Do not call after all."""


class Throttle:
    """Stands before a destination's `send`. `results` are the destination's counters by Result."""

    __slots__ = (
        "_call_later",
        "_inflight",
        "_inflight_max",
        "_is_starting",
        "_now",
        "_pending_max",
        "_results",
        "_send",
        "_timeout_s",
        "_timer",
        "pending",
    )

    def __init__(
        self,
        send: Callable[[Request], None],
        inflight_max: int,
        pending_max: int,
        *,
        timeout_s: float,
        now: Callable[[], float],
        call_later: Callable[[float, Callable[[], None]], Timer],
        results: list[int],
    ) -> None:
        """A request waits `timeout_s` at most."""
        self._send = send
        self._inflight_max = inflight_max
        self._pending_max = pending_max
        self._timeout_s = timeout_s
        self._now = now
        self._call_later = call_later
        self._results = results
        self._inflight = 0
        self._is_starting = False
        self._timer: Timer | None = None
        self.pending: deque[tuple[float, Request]] = deque()  # (deadline, request)

    def send(self, request: Request) -> None:
        """Send the request now or later, or answer it busy."""
        if self._inflight < self._inflight_max:
            self._start(request)
        elif len(self.pending) >= self._pending_max:
            self._results[Result.BUSY] += 1
            request.answer(Result.BUSY, OUTCOMES[Result.BUSY].line)
        else:
            self.pending.append((self._now() + self._timeout_s, request))
            if self._timer is None:
                self._timer = self._call_later(self._timeout_s, self._on_timer)

    def close(self) -> None:
        """The destination is closed: what waits is answered with an error."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending = list(self.pending)
        self.pending.clear()
        for _, request in pending:
            request.answer(Result.ABORTED, OUTCOMES[Result.ABORTED].line)

    def _start(self, request: Request) -> None:
        self._inflight += 1
        _Counted(request, self)
        self._send(request)

    def on_answered(self) -> None:
        """One is back: the next go, as many as may."""
        self._inflight -= 1
        if self._is_starting:  # answered at once, while we are below
            return
        self._is_starting = True
        try:
            while self.pending and self._inflight < self._inflight_max:
                self._start(self.pending.popleft()[1])
        finally:
            self._is_starting = False

    def _on_timer(self) -> None:
        self._timer = None
        now, pending = self._now(), self.pending
        overdue = []
        while pending and pending[0][0] <= now:
            overdue.append(pending.popleft()[1])
        if pending:
            self._timer = self._call_later(max(pending[0][0] - now, 0.001), self._on_timer)
        for request in overdue:
            self._results[Result.TIMEOUT] += 1
            request.answer(Result.TIMEOUT, QUEUE_TIMEOUT)


class _Counted(Continuation):
    __slots__ = ("_throttle",)

    def __init__(self, request: Request, throttle: Throttle) -> None:
        super().__init__(request)
        self._throttle = throttle

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._throttle.on_answered()
        self.pass_up(request, result, raw)
