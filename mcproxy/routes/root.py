"""RootRoute: the top of a tree that knows routing prefixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcproxy.outcome import OUTCOMES, Result, error_line
from mcproxy.request import META_OPS, Continuation, OpClass, Request
from mcproxy.request_text import with_key
from mcproxy.routes.base import Located, RouteHandle, all_destinations
from mcproxy.routes.keep_prefix import PrefixedKey
from mcproxy.routing_prefix import split_prefix
from mcproxy.upstream.destination import Destination

DEFAULT_PREFIX = "/././"

_NO_ROUTE = error_line("RootRoute: No rh found")
_SLASH = 0x2F


class RootRoute(RouteHandle):
    """Takes `/region/cluster/` off a key and routes the rest there; other keys go the default way.

    Clients see their keys as they asked for them.
    """

    __slots__ = ("_by_prefix", "_default", "_locate")

    def __init__(self, by_prefix: Mapping[bytes, RouteHandle], default: RouteHandle) -> None:
        self._by_prefix = by_prefix
        self._default = default.route
        self._locate = default.locate

    def route(self, request: Request) -> None:
        if request.key[0] == _SLASH:
            self._route_prefixed(request)
        else:
            self._default(request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        if b"\n/" not in b"\n" + b"\n".join(keys):  # no key has a line end; quicker than to look at each
            return self._locate(keys)
        servers, inner = zip(*map(self._locate_one, keys), strict=True)
        return servers, inner

    def _locate_one(self, asked: bytes) -> tuple[Destination | None, bytes]:
        prefix, key = split_prefix(asked)
        handle = self._by_prefix.get(prefix)
        if prefix and (handle is None or not key):
            return None, asked
        servers, inner = self._locate([asked]) if handle is None else handle.locate([key])
        return servers[0], inner[0]

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(list(self._by_prefix.values()))

    def _route_prefixed(self, request: Request) -> None:
        asked = request.key
        prefix, key = split_prefix(asked)
        if not prefix:
            self._default(request)
            return
        handle = self._by_prefix.get(prefix)
        if handle is None:
            request.answer(Result.LOCAL_ERROR, _NO_ROUTE)
        elif not key:
            request.answer(Result.BAD_KEY, OUTCOMES[Result.BAD_KEY].line)
        else:
            request.key = PrefixedKey(prefix, key)
            if request.op in META_OPS:  # the client's key is put back by meta_reply.py
                request.text = with_key(request.op, request.text, key)
            else:
                request.text = request.text.replace(asked, key, 1)
                if request.op_class is OpClass.GET:
                    _AskedKey(request, asked)
            handle.route(request)


class _AskedKey(Continuation):
    """Gives the request and the VALUE line the key that the client asked for."""

    __slots__ = ("_asked",)

    def __init__(self, request: Request, asked: bytes) -> None:
        super().__init__(request)
        self._asked = asked

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        key, request.key = request.key, self._asked
        if result == Result.FOUND:
            raw = b"VALUE %b%b" % (self._asked, raw[len(b"VALUE ") + len(key) :])
        self.pass_up(request, result, raw)
