"""Leases of shadowed pools: a shadow gives tokens of its own, so a copied lease-set must have the shadow's.

lease-get k ─► pool: token 9, shadow: token 5       remembered: (k, 9) is 5
lease-set k 9 ─► pool: 9, shadow: 5                 with none remembered, one that no server takes
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.lease import HOT_MISS, NO_LEASE, parse_lease
from mcproxy.request import Continuation, Request

TOKENS_MAX = 1024


class ShadowTokens:
    """A shadow's tokens by those that the pool gave; the oldest are forgotten."""

    __slots__ = ("_count_max", "_tokens")

    def __init__(self, count_max: int = TOKENS_MAX) -> None:
        self._count_max = count_max
        self._tokens: dict[tuple[bytes, int], int] = {}

    def __len__(self) -> int:
        return len(self._tokens)

    def remember(self, key: bytes, token: int, shadows: int) -> None:
        """Both have given a lease."""
        self._tokens[key, token] = shadows
        if len(self._tokens) > self._count_max:
            del self._tokens[next(iter(self._tokens))]

    def take(self, key: bytes, token: int) -> int:
        """The shadow's; a lease is used once."""
        return self._tokens.pop((key, token), NO_LEASE)


class TokenPair:
    """Waits for the pool's reply and a shadow's, in whichever order they come."""

    __slots__ = ("_key", "_known", "_tokens")

    def __init__(self, tokens: ShadowTokens, key: bytes) -> None:
        self._tokens = tokens
        self._key = key
        self._known: dict[str, int] = {}

    def on_pool(self, raw: bytes) -> None:
        """The client's reply."""
        self._take("pool", raw)

    def on_shadow(self, result: int, raw: bytes) -> None:
        """The copy's reply."""
        self._take("shadow", raw)

    def _take(self, whose: str, raw: bytes) -> None:
        token = parse_lease(raw).token
        if token > HOT_MISS:
            self._known[whose] = token
        if len(self._known) == 2:
            self._tokens.remember(self._key, self._known["pool"], self._known["shadow"])


class PoolsLease(Continuation):
    """Sees the token that the client gets."""

    __slots__ = ("_pairs",)

    def __init__(self, request: Request, pairs: Sequence[TokenPair]) -> None:
        super().__init__(request)
        self._pairs = pairs

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        for pair in self._pairs:
            pair.on_pool(raw)
        self.pass_up(request, result, raw)
