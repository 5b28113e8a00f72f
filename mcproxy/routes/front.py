"""What options put above the whole tree: only gets, and servers' error texts hidden."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import OUTCOMES, Result, error_line
from mcproxy.request import Continuation, OpClass, Request
from mcproxy.routes.base import Located, RouteHandle
from mcproxy.upstream.destination import Destination

_ONLY_GETS = error_line("Only gets are allowed")
_REMOTE_ERROR = OUTCOMES[Result.REMOTE_ERROR].line


class OnlyGets(RouteHandle):
    """--allow-only-gets: everything else is a local error."""

    __slots__ = ("_child",)

    def __init__(self, child: RouteHandle) -> None:
        self._child = child

    def route(self, request: Request) -> None:
        if request.op_class is OpClass.GET:
            self._child.route(request)
        else:
            request.answer(Result.LOCAL_ERROR, _ONLY_GETS)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return self._child.locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()


class GroupedRemoteErrors(RouteHandle):
    """--group-remote-errors: what a server says of its error does not reach the client."""

    __slots__ = ("_child",)

    def __init__(self, child: RouteHandle) -> None:
        self._child = child

    def route(self, request: Request) -> None:
        _Grouped(request)
        self._child.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()


class _Grouped(Continuation):
    __slots__ = ()

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self.pass_up(request, result, _REMOTE_ERROR if result == Result.REMOTE_ERROR else raw)
