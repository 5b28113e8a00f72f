"""MigrateRoute: keys move from one place to another over time, each at a moment of its own.

start            start + interval         start + 2 · interval
──────┼───────────────────┼───────────────────────────┼──────
from │ from              │ key by key from → to      │ to      deletes: both between the outer two

A lease may be from before its key's move: what `to` does not store then, for as long as leases hold, ends the lease at
`from` too, in the background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.gather import Gather
from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.lease import LEASE_S
from mcproxy.outcome import Result
from mcproxy.request import Continuation, Op, OpClass, Request
from mcproxy.request_text import with_exptime
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.changed import ReplyFor
from mcproxy.routes.locating import locate_by_child
from mcproxy.routing_prefix import hashed_part
from mcproxy.upstream.destination import Destination

DEFAULT_INTERVAL_S = 3600

_LEASE_SET = Op.LEASE_SET.value
_NOTSTORED = Result.NOTSTORED.value


class MigrateRoute(RouteHandle):
    """Every proxy moves a key at the same moment, so long as their clocks agree."""

    __slots__ = ("_background", "_interval_s", "_new", "_now", "_old", "_start")

    def __init__(
        self,
        old: RouteHandle,
        new: RouteHandle,
        start: float,
        interval_s: int,
        now: Callable[[], float],
        background: Background,
    ) -> None:
        """`start` and what `now` tells are Unix time."""
        self._old = old
        self._new = new
        self._start = start
        self._interval_s = interval_s
        self._now = now
        self._background = background

    def route(self, request: Request) -> None:
        elapsed_s = self._now() - self._start
        if request.op_class is OpClass.DELETE and 0 <= elapsed_s < 2 * self._interval_s:
            worse = Gather(2, ReplyFor(request))
            self._old.route(request.copy(worse))
            self._new.route(request.copy(worse))
        else:
            if request.op == _LEASE_SET and 0 <= elapsed_s - self._moved_after_s(request.key) < LEASE_S:
                _Refused(request, self)
            self._of(request.key, elapsed_s).route(request)

    def end_lease(self, key: bytes, text: bytes) -> None:
        """Of a lease-set that the new place has refused, at the old one."""
        self._background.ask(self._old.route, _LEASE_SET, key, with_exptime(_LEASE_SET, text, -1))

    def locate(self, keys: Sequence[bytes]) -> Located:
        elapsed_s = self._now() - self._start
        return locate_by_child(keys, lambda key: self._of(key, elapsed_s))

    def _of(self, key: bytes, elapsed_s: float) -> RouteHandle:
        interval_s = self._interval_s
        if elapsed_s < interval_s:
            return self._old
        if elapsed_s >= 2 * interval_s:
            return self._new
        return self._new if elapsed_s >= self._moved_after_s(key) else self._old

    def _moved_after_s(self, key: bytes) -> int:
        return self._interval_s + spooky_hash32(hashed_part(key)) % self._interval_s

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self._old, self._new])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `from`, `to`, `start_time` in Unix time, `interval` in seconds."""
        return cls(
            fields.child("from"),
            fields.child("to"),
            fields.integer("start_time"),
            fields.integer("interval", DEFAULT_INTERVAL_S, low=1),
            fields.context.wall_time,
            fields.context.background,
        )


class _Refused(Continuation):
    """Sees whether the new place has stored."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: MigrateRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        key, text = request.key, request.text
        self.pass_up(request, result, raw)
        if result == _NOTSTORED:
            self._route.end_lease(key, text)
