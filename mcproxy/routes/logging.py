"""LoggingRoute: a line of the log for every request that is answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mcproxy.outcome import result_name
from mcproxy.request import Continuation, Op, Request
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination

log = logging.getLogger(__name__)


class LoggingRoute(RouteHandle):
    """Key, operation, result, and the bytes of request and reply; at info, so a higher log level costs nothing."""

    __slots__ = ("_target",)

    def __init__(self, target: RouteHandle) -> None:
        self._target = target

    def route(self, request: Request) -> None:
        if log.isEnabledFor(logging.INFO):
            _Logged(request)
        self._target.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._target.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target`; without one every request is answered by default."""
        return cls(fields.optional_child("target") or NullRoute())


class _Logged(Continuation):
    """Sees one reply."""

    __slots__ = ()

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        log.info(
            "key: %s request: %s (%d bytes) reply: %s (%d bytes)",
            repr(request.key)[2:-1],
            Op(request.op).name.lower(),
            len(request.text),
            result_name(result),
            len(raw),
        )
        self.pass_up(request, result, raw)
