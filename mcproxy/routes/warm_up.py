"""WarmUpRoute: a cold cache is filled from a warm one, with what clients ask for.

get             cold ─miss, error─► warm ─hit─► the reply; `add` to cold in the background
gets, gat(s)    cold ─miss, error─► warm ─hit─► `add` to cold ─► the same at cold
lease-get       cold ─miss─► warm ─hit─► the reply; `lease-set` to cold in the background; a hot miss is cold's
mg              cold ─miss, error─► warm
all else        cold
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproto.encode import END
from mcproxy.lease import HOT_MISS, NO_LEASE, hit_raw, lease_set_text, parse_lease
from mcproxy.outcome import Result
from mcproxy.request import Continuation, Op, Request
from mcproxy.request_text import Hit, Update, exptime_for_ttl, hit_reply, parse_hit, storage_text
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.context import RouteContext
from mcproxy.routes.meta_item import META_GET, has_winner, item_text, parse_item
from mcproxy.upstream.destination import Destination

_FOUND, _NOTFOUND = Result.FOUND.value, Result.NOTFOUND.value
_GET, _ADD = Op.GET.value, Op.ADD.value
_LEASE_GET, _LEASE_SET = Op.LEASE_GET.value, Op.LEASE_SET.value
_FILLING = frozenset({Op.GETS.value, Op.GAT.value, Op.GATS.value})


class WarmUpRoute(RouteHandle):
    """Copies get `exptime`; without one, the TTL that the item has left, which warm is asked for by `mg`."""

    __slots__ = ("cold", "context", "exptime", "warm")

    def __init__(self, cold: RouteHandle, warm: RouteHandle, exptime: int | None, context: RouteContext) -> None:
        self.cold = cold
        self.warm = warm
        self.exptime = exptime
        self.context = context

    def route(self, request: Request) -> None:
        op = request.op
        if op == _GET:
            _Get(request, self)
        elif op in _FILLING:
            _FillFirst(request, self)
        elif op == META_GET:
            _Elsewhere(request, self)
        elif op == _LEASE_GET:
            _GetLease(request, self)
        self.cold.route(request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self.cold, self.warm])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `cold`, `warm`, and `exptime` in seconds (0: for ever) or `enable_metaget`."""
        by_ttl = fields.boolean("enable_metaget", False)
        exptime = None if by_ttl else fields.integer("exptime", 0)
        return cls(fields.child("cold"), fields.child("warm"), exptime, fields.context)


class _Elsewhere(Continuation):
    """Asks warm what cold has not."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: WarmUpRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result == _FOUND:
            self.pass_up(request, result, raw)
        else:
            request.waiter = self.above
            self._route.warm.route(request)


class _Copying(Continuation):
    """Waits for cold; then asks warm for the item, and what to copy it with."""

    __slots__ = ("_asked", "_route", "_was_at_cold")

    def __init__(self, request: Request, route: WarmUpRoute) -> None:
        super().__init__(request)
        self._asked = request
        self._route = route
        self._was_at_cold = False

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if self._was_at_cold:
            if result == _FOUND and self._route.exptime is None and has_winner(raw) and not parse_item(raw)[0].value:
                result, raw = _NOTFOUND, END
            self._on_warm(result, raw)
        elif self._is_enough(result, raw):
            self.pass_up(request, result, raw)
        else:
            self._was_at_cold = True
            self._on_miss(result, raw)
            key = request.key
            if self._route.exptime is None:
                self._route.warm.route(Request(META_GET, key, item_text(key), self))
            else:
                self._route.warm.route(Request(_GET, key, b"get %b\r\n" % key, self))

    def _is_enough(self, result: int, raw: bytes) -> bool:
        """Whether cold's reply is the answer."""
        return result == _FOUND

    def _on_miss(self, result: int, raw: bytes) -> None:
        """Cold has not got it."""

    def _on_warm(self, result: int, raw: bytes) -> None:
        """Warm's reply, to a get or an mg."""
        raise NotImplementedError

    def _item(self, raw: bytes) -> tuple[Hit, int | None]:
        """(item, exptime of a copy) of warm's hit; no exptime when it is about to expire."""
        if self._route.exptime is not None:
            return parse_hit(raw), self._route.exptime
        hit, ttl_s = parse_item(raw)
        return hit, exptime_for_ttl(ttl_s, self._route.context.wall_time())

    def _add_text(self, hit: Hit, exptime: int) -> bytes:
        return storage_text(b"add", self._asked.key, hit.flags, exptime, hit.value)


class _Get(_Copying):
    """The client has warm's reply at once; the copy follows."""

    __slots__ = ()

    def _on_warm(self, result: int, raw: bytes) -> None:
        asked, route = self._asked, self._route
        if result != _FOUND:
            self.pass_up(asked, result, END if result == _NOTFOUND else raw)
            return
        key = asked.key  # the client's own, once the reply has gone up
        hit, exptime = self._item(raw)
        add = None if exptime is None else self._add_text(hit, exptime)
        self.pass_up(asked, result, raw if route.exptime is not None else hit_reply(key, hit))
        if add is not None:
            route.context.background.ask(route.cold.route, _ADD, key, add)


class _FillFirst(_Copying):
    """The item must be at cold before cold can answer: a CAS unique of warm's would mean nothing there."""

    __slots__ = ("_is_added", "_miss")

    def __init__(self, request: Request, route: WarmUpRoute) -> None:
        super().__init__(request, route)
        self._is_added = False
        self._miss = (_NOTFOUND, END)

    def _on_miss(self, result: int, raw: bytes) -> None:
        self._miss = (result, raw)

    def _on_warm(self, result: int, raw: bytes) -> None:
        asked, cold = self._asked, self._route.cold
        if self._is_added:  # or it was there already: whatever is there now is the answer
            asked.waiter = self.above
            cold.route(asked)
            return
        if result == _FOUND:
            hit, exptime = self._item(raw)
            if exptime is not None:
                self._is_added = True
                cold.route(Request(_ADD, asked.key, self._add_text(hit, exptime), self))
                return
        self.pass_up(asked, *self._miss)


class _GetLease(_Copying):
    """Under cold's lease the copy is stored, unless the key is deleted or set meanwhile."""

    __slots__ = ("_miss",)

    def _is_enough(self, result: int, raw: bytes) -> bool:
        return result == _FOUND or (result == _NOTFOUND and parse_lease(raw).token == HOT_MISS)

    def _on_miss(self, result: int, raw: bytes) -> None:
        self._miss = (result, raw)

    def _on_warm(self, result: int, raw: bytes) -> None:
        asked, route = self._asked, self._route
        hit, exptime = self._item(raw) if result == _FOUND else (None, None)
        if hit is None or exptime is None:
            self.pass_up(asked, *self._miss)
            return
        key, token = asked.key, parse_lease(self._miss[1]).token
        self.pass_up(asked, _FOUND, hit_raw(hit))
        if token != NO_LEASE:
            text = lease_set_text(key, token, Update(hit.flags, exptime, hit.value))
            route.context.background.ask(route.cold.route, _LEASE_SET, key, text)
