"""MissFailoverRoute: the next child when one has nothing."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import is_hit, severity
from mcproxy.request import Continuation, OpClass, Request
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination

_LOOKS_ON = frozenset({OpClass.GET, OpClass.DELETE})


class MissFailoverRoute(RouteHandle):
    """Gets and deletes: children in order until one hits, else the last reply. All else: the first child.

    With `return_best`, when none hits, the best reply that was seen: a miss rather than an error.
    """

    __slots__ = ("children", "return_best")

    def __init__(self, children: Sequence[RouteHandle], return_best: bool = False) -> None:
        self.children = children
        self.return_best = return_best

    def route(self, request: Request) -> None:
        if request.op_class in _LOOKS_ON:
            _Look(request, self)
        self.children[0].route(request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"MissFailoverRoute|Pool|A"`, or with `children` and `return_best_on_error_miss`."""
        children = fields.children("children")
        return_best = fields.boolean("return_best_on_error_miss", False)
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children, return_best)


class _Look(Continuation):
    """How far one request has come among a MissFailoverRoute's children."""

    __slots__ = ("_answer", "_best", "_is_asking", "_route", "_tried")

    def __init__(self, request: Request, route: MissFailoverRoute) -> None:
        super().__init__(request)
        self._route = route
        self._tried = 1
        self._best: tuple[int, bytes] | None = None
        self._is_asking = False

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if is_hit(result):
            self.pass_up(request, result, raw)
        elif self._is_asking:  # the loop below takes it: children that are out answer at once
            self._answer: tuple[int, bytes] | None = (result, raw)
        else:
            self._go_on(request, (result, raw))

    def _go_on(self, request: Request, reply: tuple[int, bytes]) -> None:
        children = self._route.children
        while True:
            self._note(reply)
            if self._tried == len(children):
                assert self._best is not None
                self.pass_up(request, *self._best)
                return
            self._tried += 1
            answer = self._ask(request, children[self._tried - 1])
            if answer is None:
                return
            reply = answer

    def _ask(self, request: Request, child: RouteHandle) -> tuple[int, bytes] | None:
        """The child's miss or error, if it comes at once."""
        self._answer, self._is_asking = None, True
        child.route(request)
        self._is_asking = False
        return self._answer

    def _note(self, reply: tuple[int, bytes]) -> None:
        is_better = self._best is None or severity(reply[0]) < severity(self._best[0])
        if is_better or not self._route.return_best:
            self._best = reply
