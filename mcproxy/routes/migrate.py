"""MigrateRoute: keys move from one place to another over time, each at a moment of its own.

start            start + interval         start + 2 · interval
──────┼───────────────────┼───────────────────────────┼──────
from │ from              │ key by key from → to      │ to      deletes: both between the outer two
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.gather import Gather
from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.request import OpClass, Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.changed import ReplyFor
from mcproxy.routes.locating import locate_by_child
from mcproxy.routing_prefix import hashed_part
from mcproxy.upstream.destination import Destination

DEFAULT_INTERVAL_S = 3600


class MigrateRoute(RouteHandle):
    """Every proxy moves a key at the same moment, so long as their clocks agree."""

    __slots__ = ("_interval_s", "_new", "_now", "_old", "_start")

    def __init__(
        self, old: RouteHandle, new: RouteHandle, start: float, interval_s: int, now: Callable[[], float]
    ) -> None:
        """`start` and what `now` tells are Unix time."""
        self._old = old
        self._new = new
        self._start = start
        self._interval_s = interval_s
        self._now = now

    def route(self, request: Request) -> None:
        elapsed_s = self._now() - self._start
        if request.op_class is OpClass.DELETE and 0 <= elapsed_s < 2 * self._interval_s:
            worse = Gather(2, ReplyFor(request))
            self._old.route(request.copy(worse))
            self._new.route(request.copy(worse))
        else:
            self._of(request.key, elapsed_s).route(request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        elapsed_s = self._now() - self._start
        return locate_by_child(keys, lambda key: self._of(key, elapsed_s))

    def _of(self, key: bytes, elapsed_s: float) -> RouteHandle:
        interval_s = self._interval_s
        if elapsed_s < interval_s:
            return self._old
        if elapsed_s >= 2 * interval_s:
            return self._new
        return self._new if elapsed_s >= interval_s + spooky_hash32(hashed_part(key)) % interval_s else self._old

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
        )
