"""RateLimitRoute: only so many requests of a kind a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcproxy.request import OpClass, Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.context import RouteContext
from mcproxy.token_bucket import TokenBucket
from mcproxy.upstream.destination import Destination

# What `rates` calls them; all other operations are free.
KINDS = {"gets": OpClass.GET, "sets": OpClass.UPDATE, "deletes": OpClass.DELETE}

Rates = Mapping[OpClass, tuple[float, float]]
"""(requests a second, burst) of each kind that is limited."""


class RateLimitRoute(RouteHandle):
    """Beyond the limit the fallback is asked, or without one nothing: the reply is a miss, or NOT_STORED."""

    __slots__ = ("_buckets", "_context", "_fallback", "_target")

    def __init__(
        self, target: RouteHandle, rates: Rates, context: RouteContext, fallback: RouteHandle | None = None
    ) -> None:
        now = context.now()
        self._target = target
        self._buckets = {kind: TokenBucket(rate, burst, now) for kind, (rate, burst) in rates.items()}
        self._context = context
        self._fallback = fallback

    def route(self, request: Request) -> None:
        bucket = self._buckets.get(request.op_class)
        if bucket is None or bucket.take(self._context.now()):
            self._target.route(request)
            return
        self._context.counters["rate_limited"] += 1
        if self._fallback is not None:
            self._fallback.route(request)
        else:
            request.answer_by_default()

    def member_of(self, key: bytes) -> int | None:
        return self._target.member_of(key)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return super().locate(keys) if OpClass.GET in self._buckets else self._target.locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self._target, *([self._fallback] if self._fallback else [])])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target`, `rates`, `fallback`."""
        given = fields.object("rates")
        if given is None:
            raise fields.error("rates is missing")
        fallback = fields.optional_child("fallback")
        return rate_limited(fields.child("target"), given, fields.context, fallback)


def rate_limited(
    target: RouteHandle, given: Fields, context: RouteContext, fallback: RouteHandle | None = None
) -> RouteHandle:
    """`target` limited to the `rates` given: `gets_rate`, `gets_burst`, and so for sets and deletes."""
    rates = {}
    for name, kind in KINDS.items():
        if given.has(f"{name}_rate"):
            rate = given.number(f"{name}_rate")
            rates[kind] = (rate, given.number(f"{name}_burst", max(rate, 1.0) if rate else 0.0))
        elif given.has(f"{name}_burst"):
            raise given.error(f"{name}_burst without {name}_rate", f"{name}_burst")
    return RateLimitRoute(target, rates, context, fallback) if rates else target
