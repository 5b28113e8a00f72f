"""StagingRoute: a staging cache is kept behind the warm one, which answers everything.

get      warm ─hit─► the reply; behind it: mg at staging ─miss─► mg … t at warm ─► `add` to staging
set, cas warm ─stored─► the reply; behind it: `set` to staging
leases   lease-get as get, lease-set as set: staging needs no lease
delete   both, the worse reply
others   warm; a copy to staging
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from mcproxy.gather import Gather
from mcproxy.lease import parse_lease, parse_lease_set
from mcproxy.outcome import Result
from mcproxy.request import Continuation, Op, OpClass, Request
from mcproxy.request_text import Hit, Update, exptime_for_ttl, parse_hit, parse_update, storage_text
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.changed import ReplyFor
from mcproxy.routes.meta_item import META_GET, has_winner, parse_ttl, presence_text, ttl_text
from mcproxy.upstream.destination import Destination

_FOUND, _NOTFOUND, _STORED = Result.FOUND.value, Result.NOTFOUND.value, Result.STORED.value
_GET, _SET, _ADD = Op.GET.value, Op.SET.value, Op.ADD.value
_LEASE_GET, _LEASE_SET = Op.LEASE_GET.value, Op.LEASE_SET.value
_SEEN = frozenset({_GET, _LEASE_GET, _SET, Op.CAS.value, _LEASE_SET})


class StagingRoute(RouteHandle):
    """Clients never wait for staging but to delete."""

    __slots__ = ("_background", "_staging", "_wall_time", "_warm")

    def __init__(
        self, warm: RouteHandle, staging: RouteHandle, background: Background, wall_time: Callable[[], float]
    ) -> None:
        self._warm = warm
        self._staging = staging
        self._background = background
        self._wall_time = wall_time

    def route(self, request: Request) -> None:
        if request.op in _SEEN:
            _Seen(request, self)
            self._warm.route(request)
        elif request.op_class is OpClass.DELETE:
            worse = Gather(2, ReplyFor(request))
            self._warm.route(request.copy(worse))
            self._staging.route(request.copy(worse))
        else:
            copy = request.copy(request.waiter)
            self._warm.route(request)
            self._background.send(self._staging.route, copy)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self._warm, self._staging])

    def on_hit(self, key: bytes, hit: Hit) -> None:
        """Warm has the item: does staging?"""
        then = partial(self._on_staging, key, hit)
        self._background.ask(self._staging.route, META_GET, key, presence_text(key), then)

    def on_stored(self, key: bytes, update: Update) -> None:
        """Warm has taken a new value."""
        copy = storage_text(b"set", key, update.flags, update.exptime, update.value)
        self._background.ask(self._staging.route, _SET, key, copy)

    def _on_staging(self, key: bytes, hit: Hit, result: int, raw: bytes) -> None:
        if result == _NOTFOUND:
            then = partial(self._on_ttl, key, hit)
            self._background.ask(self._warm.route, META_GET, key, ttl_text(key), then)

    def _on_ttl(self, key: bytes, hit: Hit, result: int, raw: bytes) -> None:
        if result != _FOUND or (not hit.value and has_winner(raw)):
            return
        exptime = exptime_for_ttl(parse_ttl(raw), self._wall_time())
        if exptime is not None:
            text = storage_text(b"add", key, hit.flags, exptime, hit.value)
            self._background.ask(self._staging.route, _ADD, key, text)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `warm` and `staging`."""
        context = fields.context
        return cls(fields.child("warm"), fields.child("staging"), context.background, context.wall_time)


class _Seen(Continuation):
    """Passes warm's reply up, then lets staging have its part."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: StagingRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        op, key, text = request.op, request.key, request.text
        self.pass_up(request, result, raw)
        if result == _FOUND:
            self._route.on_hit(key, parse_lease(raw).hit if op == _LEASE_GET else parse_hit(raw))
        elif result == _STORED:
            self._route.on_stored(key, parse_lease_set(text) if op == _LEASE_SET else parse_update(text))
