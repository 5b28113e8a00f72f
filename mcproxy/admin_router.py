"""For a get of a few keys of which some are the proxy's own: those are answered here, the others go their way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.multiget import Router, Send, Server
from mcproxy.outcome import Result
from mcproxy.request import Op, Request

ADMIN_PREFIX = b"__mcrouter__."


def admin_block(value: bytes, key: bytes, op: int = Op.GET) -> bytes:
    """The VALUE block of `key`; with a CAS unique, which is 0, where one is asked for."""
    unique = b" 0" if op in (Op.GETS, Op.GATS) else b""
    return b"VALUE %b 0 %d%b\r\n%b\r\n" % (key, len(value), unique, value)


class AdminRouter:
    """A Router for one get; `value` is asked for the value of an admin key, without its prefix."""

    __slots__ = ("_router", "_value", "route")

    def __init__(self, router: Router, value: Callable[[bytes], bytes]) -> None:
        self._router = router
        self._value = value
        self.route: Send = self._route

    def _route(self, request: Request) -> None:
        key = request.key
        if key.startswith(ADMIN_PREFIX):
            block = admin_block(self._value(key[len(ADMIN_PREFIX) :]), key, request.op)
            request.answer(Result.FOUND, block + b"END\r\n")
        else:
            self._router.route(request)

    @property
    def locate(self) -> Callable[[Sequence[bytes]], tuple[Sequence[Server | None], Sequence[bytes]]]:
        """No key shares a line with others."""
        return lambda keys: ([None] * len(keys), keys)
