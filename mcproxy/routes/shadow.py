"""ShadowRoute: copies of a part of the traffic go to another place; their replies are dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mcproxy.config_error import ConfigError
from mcproxy.hashing.spooky import spooky_hash32
from mcproxy.lease import token_of, with_token
from mcproxy.request import Op, Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.shadow_leases import PoolsLease, ShadowTokens, TokenPair
from mcproxy.routing_prefix import hashed_part
from mcproxy.upstream.destination import Destination

log = logging.getLogger(__name__)

_HASH_MAX = 2**32 - 1
_LEASE_GET, _LEASE_SET = Op.LEASE_GET.value, Op.LEASE_SET.value

NOTHING = (1, 0)

Bounds = Callable[[], tuple[int, int]]
"""The least and the greatest hash that are meant, as of now."""


@dataclass(frozen=True, slots=True, eq=False)
class Shadow:
    """What is copied, and where to.

    Of the servers numbered in `indexes` the keys whose 32-bit hash is within `bounds()`, ends included; or exactly
    `keys`, of any server. `fraction` of all that is copied. `background` has the bound of this shadow.
    """

    target: RouteHandle
    background: Background
    indexes: range = range(0)
    bounds: Bounds = lambda: NOTHING
    keys: frozenset[bytes] = frozenset()
    fraction: float = 1.0
    tokens: ShadowTokens = field(default_factory=ShadowTokens)

    def covers(self, index: int) -> bool:
        """Whether any key of that server is copied."""
        return bool(self.keys) or index in self.indexes

    def wants(self, key: bytes, rng: Callable[[], float]) -> bool:
        """Whether this request for a key of a covered server is copied; `key` up to its hash stop."""
        if self.keys:
            is_chosen = key in self.keys
        else:
            low, high = self.bounds()
            is_all = low == 0 and high == _HASH_MAX
            is_chosen = is_all or (low <= high and low <= spooky_hash32(key) <= high)
        return is_chosen and (self.fraction >= 1 or rng() < self.fraction)


class ShadowRoute(RouteHandle):
    """The child first, whose reply is the client's; then the shadows that want a copy."""

    __slots__ = ("_child", "_rng", "_shadows", "child")

    def __init__(self, child: RouteHandle, shadows: Sequence[Shadow], rng: Callable[[], float]) -> None:
        """`shadows` cover this child; `rng` draws from [0, 1)."""
        self.child = child
        self._child = child.route
        self._shadows = shadows
        self._rng = rng

    def route(self, request: Request) -> None:
        key = hashed_part(request.key)
        chosen = [shadow for shadow in self._shadows if shadow.wants(key, self._rng)]
        if not chosen:
            self._child(request)
            return
        if request.op == _LEASE_GET:
            self._route_lease_get(request, chosen)
            return
        copy = request.copy(request.waiter)
        self._child(request)
        for shadow in chosen:
            if copy.op == _LEASE_SET:
                _send_lease_set(shadow, copy)
            else:
                shadow.background.send(shadow.target.route, copy)

    def _route_lease_get(self, request: Request, chosen: Sequence[Shadow]) -> None:
        key, text = request.key, request.text
        pairs = [TokenPair(shadow.tokens, key) for shadow in chosen]
        PoolsLease(request, pairs)
        self._child(request)
        for shadow, pair in zip(chosen, pairs, strict=True):
            shadow.background.ask(shadow.target.route, _LEASE_GET, key, text, pair.on_shadow)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self.child, *(shadow.target for shadow in self._shadows)])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `children`, one of them, and `shadows`."""
        children = fields.children("children")
        if len(children) != 1:
            raise fields.error("one child is expected; the servers of a pool are shadowed by its PoolRoute", "children")
        return shadowed(children, fields)[0]


def _send_lease_set(shadow: Shadow, request: Request) -> None:
    token = shadow.tokens.take(request.key, token_of(request.text))
    shadow.background.ask(shadow.target.route, _LEASE_SET, request.key, with_token(request.text, token))


def shadowed(children: Sequence[RouteHandle], fields: Fields) -> list[RouteHandle]:
    """Each child with the `shadows` of `fields` that cover it."""
    policy = fields.text("shadow_policy", "default")
    if policy != "default":
        raise fields.error(f"unknown shadow_policy: {policy}", "shadow_policy")
    shadows = [shadow for entry in fields.objects("shadows") if (shadow := _maybe_shadow(entry)) is not None]
    wrapped: list[RouteHandle] = []
    for index, child in enumerate(children):
        covering = [shadow for shadow in shadows if shadow.covers(index)]
        wrapped.append(ShadowRoute(child, covering, fields.context.rng) if covering else child)
    return wrapped


def _maybe_shadow(entry: Fields) -> Shadow | None:
    """A mistake in a shadow ends no traffic: as in mcrouter the entry is left out, and the log says so."""
    try:
        return _shadow(entry)
    except ConfigError as error:
        log.error("shadow left out: %s", error)
        return None


def _shadow(entry: Fields) -> Shadow:
    context = entry.context
    background = Background(context.counters, requests_max=context.shadow_requests_max)
    tokens = ShadowTokens(context.shadow_tokens_max)
    target = entry.child("target")
    fraction = entry.number("requests_fraction", 1.0, high=1.0)
    keys = frozenset(key.encode() for key in entry.texts("keys_to_shadow"))
    if keys:
        return Shadow(target, background, keys=keys, fraction=fraction, tokens=tokens)
    first, end = _pair(entry, "index_range")
    if not (first.is_integer() and end.is_integer()) or end < first:
        raise entry.error("index_range must be two whole numbers, the first not above the second", "index_range")
    indexes = range(int(first), int(end))
    return Shadow(target, background, indexes, _bounds(entry), fraction=fraction, tokens=tokens)


def _bounds(entry: Fields) -> Bounds:
    """By `key_fraction_range`, or by the runtime variable that `key_fraction_range_rv` names."""
    start, stop = _pair(entry, "key_fraction_range")
    if not 0 <= start <= stop <= 1:
        raise entry.error("key_fraction_range must be two numbers from 0 to 1, the first not above the second")
    fixed = _hashes((start, stop)) if entry.has("key_fraction_range") else NOTHING
    name, variables = entry.text("key_fraction_range_rv", ""), entry.context.runtime_vars

    def current() -> tuple[int, int]:
        fractions = variables.key_fraction_range(name)
        return _hashes(fractions) if fractions is not None else fixed

    return current if name else lambda: fixed


def _hashes(fractions: tuple[float, float]) -> tuple[int, int]:
    return int(fractions[0] * _HASH_MAX), int(fractions[1] * _HASH_MAX)


def _pair(entry: Fields, name: str) -> tuple[float, float]:
    values = entry.numbers(name)
    if entry.has(name) and len(values) != 2:
        raise entry.error(f"{name} must be two numbers", name)
    return (values[0], values[1]) if values else (0.0, 0.0)
