"""ModifyExptimeRoute: another exptime for whatever is stored or touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcproxy.request import Request
from mcproxy.request_text import exptime_of, sooner_exptime, with_exptime
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.changed import with_text
from mcproxy.upstream.destination import Destination

ACTIONS = ("set", "min")


class ModifyExptimeRoute(RouteHandle):
    """Sets the exptime of updates, touch and gat, or cuts it to a limit; deletes have none.

    With `is_limit`, the sooner of the two counts: 0 lives for ever, and below 0 it is over already.
    """

    __slots__ = ("_exptime", "_is_limit", "_now", "_target")

    def __init__(self, target: RouteHandle, exptime: int, is_limit: bool, now: Callable[[], float]) -> None:
        """`exptime` as a client would send it; `now` tells Unix time."""
        self._target = target
        self._exptime = exptime
        self._is_limit = is_limit
        self._now = now

    def route(self, request: Request) -> None:
        asked = exptime_of(request.op, request.text)
        if asked is not None:
            exptime = sooner_exptime(asked, self._exptime, self._now()) if self._is_limit else self._exptime
            if exptime != asked:
                request = with_text(request, with_exptime(request.op, request.text, exptime))
        self._target.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._target.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target`, `exptime` in seconds, `action` `set` (without it) or `min`."""
        target = fields.child("target")
        exptime = fields.integer("exptime", low=-1)
        action = fields.text("action", "set")
        if action not in ACTIONS:
            raise fields.error(f"action must be set or min, not {action}", "action")
        if action == "min" and exptime == 0:
            return target
        return cls(target, exptime, action == "min", fields.context.wall_time)
