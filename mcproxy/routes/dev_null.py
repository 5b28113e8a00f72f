"""DevNullRoute: a NullRoute that is counted."""

from __future__ import annotations

from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.context import Counters


class DevNullRoute(RouteHandle):
    """Answers as NullRoute does, and counts the requests in `dev_null_requests`."""

    __slots__ = ("_counters",)

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def route(self, request: Request) -> None:
        self._counters["dev_null_requests"] += 1
        request.answer_by_default()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"DevNullRoute"`."""
        return cls(fields.context.counters)
