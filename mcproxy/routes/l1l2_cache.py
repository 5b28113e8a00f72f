"""L1L2CacheRoute: a near cache in front of a far one, filled by what clients ask for.

get      l1 ─miss, error─► l2 ─hit─► the reply; `add` to l1 in the background
others   l1 only
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mcproto.encode import END
from mcproxy.lease import parse_lease
from mcproxy.outcome import Result
from mcproxy.request import Continuation, Op, Request
from mcproxy.request_text import hit_flags, parse_hit, storage_text
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.upstream.destination import Destination

ABSENT_FLAG = 0x10000
"""Client flag of an l1 entry that says that l2 has nothing under this key."""

ABSENT_VALUE = b"ncache"

_FOUND, _NOTFOUND = Result.FOUND.value, Result.NOTFOUND.value
_GET = Op.GET.value
_LEASE_GET = Op.LEASE_GET.value
_HIDING = frozenset({Op.GETS.value, Op.GAT.value, Op.GATS.value, _LEASE_GET})


class L1L2CacheRoute(RouteHandle):
    """With `absent_period` above 0 l1 also remembers misses: every so many-th hit of one asks l2 again."""

    __slots__ = ("_absent_exptime", "_absent_hits", "_absent_period", "_background", "_exptime", "_l1", "l2")

    def __init__(
        self,
        l1: RouteHandle,
        l2: RouteHandle,
        exptime: int,
        background: Background,
        *,
        absent_exptime: int = 0,
        absent_period: int = 0,
    ) -> None:
        """`exptime` is of copies in l1, `absent_exptime` of what remembers a miss there."""
        self._l1 = l1
        self.l2 = l2
        self._exptime = exptime
        self._background = background
        self._absent_exptime = absent_exptime
        self._absent_period = absent_period
        self._absent_hits = 0

    def route(self, request: Request) -> None:
        if request.op == _GET:
            _Get(request, self)
        elif self._absent_period and request.op in _HIDING:
            _HideAbsent(request, self)
        self._l1.route(request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self._l1, self.l2])

    def is_absent(self, op: int, raw: bytes) -> bool:
        """Whether l1's hit says that l2 has nothing."""
        flags = parse_lease(raw).hit.flags if op == _LEASE_GET else hit_flags(raw)
        return self._absent_period > 0 and bool(flags & ABSENT_FLAG)

    def on_absent(self, key: bytes) -> None:
        """A remembered miss was asked for: is it still one?"""
        self._absent_hits += 1
        if self._absent_hits % self._absent_period == 0:
            refresh = partial(self.remember, Op.SET, key)
            self._background.ask(self.l2.route, _GET, key, b"get %b\r\n" % key, refresh)

    def remember(self, op: Op, key: bytes, result: int, raw: bytes) -> None:
        """Keep l2's reply in l1, if it is a hit, or a miss that shall be remembered."""
        if result == _FOUND:
            hit = parse_hit(raw)
            flags, exptime, value = hit.flags, self._exptime, hit.value
        elif result == _NOTFOUND and self._absent_period:
            flags, exptime, value = ABSENT_FLAG, self._absent_exptime, ABSENT_VALUE
        else:
            return
        text = storage_text(op.name.lower().encode(), key, flags, exptime, value)
        self._background.ask(self._l1.route, op.value, key, text)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `l1`, `l2`, `upgradingL1Exptime`; `ncacheExptime` and `ncacheUpdatePeriod` for misses."""
        return cls(
            fields.child("l1"),
            fields.child("l2"),
            fields.integer("upgradingL1Exptime"),
            fields.context.background,
            absent_exptime=fields.integer("ncacheExptime", 0),
            absent_period=fields.integer("ncacheUpdatePeriod", 0),
        )


class _Get(Continuation):
    """Waits for l1, then for l2."""

    __slots__ = ("_route", "_was_at_l1")

    def __init__(self, request: Request, route: L1L2CacheRoute) -> None:
        super().__init__(request)
        self._route = route
        self._was_at_l1 = False

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        route, key = self._route, request.key
        if self._was_at_l1:
            self.pass_up(request, result, raw)
            route.remember(Op.ADD, key, result, raw)
        elif result != _FOUND:
            self._was_at_l1 = True
            route.l2.route(request)
        elif route.is_absent(_GET, raw):
            self.pass_up(request, _NOTFOUND, END)
            route.on_absent(key)
        else:
            self.pass_up(request, result, raw)


class _HideAbsent(Continuation):
    """gets, gat and lease-get ask l1 alone, but a remembered miss is a miss to them too."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: L1L2CacheRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result == _FOUND and self._route.is_absent(request.op, raw):
            result, raw = _NOTFOUND, END
        self.pass_up(request, result, raw)
