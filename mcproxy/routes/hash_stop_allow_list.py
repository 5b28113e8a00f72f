"""HashStopAllowListRoute: who may place keys by a hash stop."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import Result, error_line
from mcproxy.request import Request
from mcproxy.routes.base import Fields, Located, RouteHandle
from mcproxy.routing_prefix import HASH_STOP
from mcproxy.upstream.destination import Destination

NOT_PERMITTED = error_line("Hash stop not permited")  # as mcrouter spells it


class HashStopAllowListRoute(RouteHandle):
    """A key with a hash stop goes on only if it starts with one of the prefixes."""

    __slots__ = ("_prefixes", "_target")

    def __init__(self, target: RouteHandle, prefixes: Sequence[bytes]) -> None:
        self._target = target
        self._prefixes = tuple(prefixes)

    def _permits(self, key: bytes) -> bool:
        return HASH_STOP not in key or key.startswith(self._prefixes)

    def route(self, request: Request) -> None:
        if self._permits(request.key):
            self._target.route(request)
        else:
            request.answer(Result.LOCAL_ERROR, NOT_PERMITTED)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return self._target.locate(keys) if all(map(self._permits, keys)) else super().locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return self._target.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target` and `prefixes`; with none of these, no hash stop is permitted."""
        return cls(fields.child("target"), [prefix.encode() for prefix in fields.texts("prefixes")])
