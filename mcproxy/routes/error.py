"""ErrorRoute: answers with an error."""

from __future__ import annotations

import logging

from mcdaemon.log_setup import RateLimited
from mcproxy.outcome import OUTCOMES, Result, error_line, is_error
from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle

RESULTS_BY_NAME = {f"mc_res_{result.name.lower()}": result for result in Result if is_error(result)}


class ErrorRoute(RouteHandle):
    """The same error to every request: `SERVER_ERROR text`, or the result's own words without a text.

    A result that is the client's fault begins with CLIENT_ERROR. With `log` every request leaves a line there.
    """

    __slots__ = ("_line", "_log", "_result")

    def __init__(self, text: str = "", result: Result = Result.LOCAL_ERROR, log: RateLimited | None = None) -> None:
        self._result = result.value
        own = OUTCOMES[result].line
        self._line = error_line(text, own.split()[0]) if text else own
        self._log = log

    def route(self, request: Request) -> None:
        if self._log is not None:
            self._log.log("ErrorRoute", logging.WARNING, "ErrorRoute: %r is answered %r", request.key, self._line)
        request.answer(self._result, self._line)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"ErrorRoute|text"`, or with `response`, `result` (`mc_res_busy`) and `enable_logging`."""
        name = fields.text("result", "mc_res_local_error")
        if name not in RESULTS_BY_NAME:
            raise fields.error(f"unknown result, or no error: {name}", "result")
        is_logging = fields.boolean("enable_logging", False)
        log = RateLimited(logging.getLogger(__name__), fields.context.now) if is_logging else None
        return cls(fields.text("response", ""), RESULTS_BY_NAME[name], log)
