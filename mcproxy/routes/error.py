"""ErrorRoute: answers with an error."""

from __future__ import annotations

from mcproxy.outcome import OUTCOMES, Result, error_line
from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle

RESULTS_BY_NAME = {f"mc_res_{result.name.lower()}": result for result in Result}


class ErrorRoute(RouteHandle):
    """The same error to every request: `SERVER_ERROR text`, or the result's own words without a text."""

    __slots__ = ("_line", "_result")

    def __init__(self, text: str = "", result: Result = Result.LOCAL_ERROR) -> None:
        self._result = result.value
        self._line = error_line(text) if text else OUTCOMES[result].line

    def route(self, request: Request) -> None:
        request.answer(self._result, self._line)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"ErrorRoute|text"`, or with `response` and `result` (`mc_res_busy`)."""
        name = fields.text("result", "mc_res_local_error")
        if name not in RESULTS_BY_NAME:
            raise fields.error(f"unknown result: {name}")
        return cls(fields.text("response", ""), RESULTS_BY_NAME[name])
