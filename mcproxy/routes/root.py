"""RootRoute: the top of a tree that knows routing prefixes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mcproxy.outcome import OUTCOMES, Result, error_line
from mcproxy.request import META_OPS, Continuation, OpClass, Request
from mcproxy.request_text import with_key
from mcproxy.routes.base import Located, RouteHandle, all_destinations
from mcproxy.routes.context import RouteContext
from mcproxy.routes.prefix_selector import NOT_FOUND, PrefixSelectorRoute
from mcproxy.routing_prefix import PrefixedKey, split_prefix
from mcproxy.upstream.destination import Destination

DEFAULT_PREFIX = "/././"

FALLBACK = b"fallback/"
"""The cluster that takes the keys of its region's unknown ones."""

_NO_ROUTE = error_line(NOT_FOUND)
_SLASH = 0x2F
_ANY = b"*"


class RootRoute(RouteHandle):
    """Takes `/region/cluster/` off a key and routes the rest there; other keys go the default way.

    `*` in a part of it stands for any text: all that match get the request. The default route is the first of
    them, else that of the alias declared first; its reply is the answer, the others work in the background.
    Clients see their keys as they asked for them.
    """

    __slots__ = ("_background", "_by_prefix", "_default", "_default_handle", "_locate", "_unknown")

    def __init__(self, by_prefix: Mapping[bytes, RouteHandle], default: RouteHandle, context: RouteContext) -> None:
        """`default` is one of the handles; an unknown prefix goes there if the context says so."""
        self._by_prefix = by_prefix
        self._default_handle = default
        self._unknown = [default] if context.send_invalid_route_to_default else []
        self._background = context.background
        if isinstance(default, PrefixSelectorRoute):
            self._default, self._locate = default.route_selected, default.locate_selected
        else:
            self._default, self._locate = default.route, default.locate

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
        if not prefix:
            servers, inner = self._locate([asked])
            return servers[0], inner[0]
        handles = self._handles(prefix, key)
        if not key or len(handles) != 1:
            return None, asked
        servers, inner = handles[0].locate([key])
        return servers[0], inner[0]

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(list(self._by_prefix.values()))

    def _handles(self, prefix: bytes, key: bytes) -> Sequence[RouteHandle]:
        """Where a key with that prefix goes, each handle once; it is the first one's reply that counts."""
        by_prefix = self._by_prefix
        if prefix in by_prefix:
            found = [by_prefix[prefix]]
        elif _ANY in prefix:
            found = self._matching(prefix)
        else:
            fallback = by_prefix.get(prefix[: prefix.index(b"/", 1) + 1] + FALLBACK)
            found = self._unknown if fallback is None else [fallback]
        return list(dict.fromkeys(h.select(key) if isinstance(h, PrefixSelectorRoute) else h for h in found))

    def _matching(self, pattern: bytes) -> list[RouteHandle]:
        matches = re.compile(re.escape(pattern).replace(rb"\*", b"[^/]*")).fullmatch
        found = [handle for prefix, handle in self._by_prefix.items() if matches(prefix)]
        return sorted(found, key=lambda handle: handle is not self._default_handle)

    def _route_prefixed(self, request: Request) -> None:
        asked = request.key
        prefix, key = split_prefix(asked)
        if not prefix:
            self._default(request)
            return
        handles = self._handles(prefix, key)
        if not handles:
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
            for handle in handles[1:]:
                self._background.send(handle.route, request)
            handles[0].route(request)


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
