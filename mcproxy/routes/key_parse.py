"""KeyParseRoute: the first parts of a key place it."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Continuation, Request
from mcproxy.routes.base import Fields, Located, RouteHandle
from mcproxy.routing_prefix import PlacedKey, hashed_part
from mcproxy.upstream.destination import Destination

PARTS_MAX = 250  # a key has no more


class KeyParseRoute(RouteHandle):
    """Below, keys are hashed by their first parts, delimiters included; one with fewer parts by its whole."""

    __slots__ = ("_delimiter", "_parts", "_target")

    def __init__(self, target: RouteHandle, parts: int, delimiter: bytes) -> None:
        self._target = target
        self._parts = parts
        self._delimiter = delimiter

    def placed(self, key: bytes) -> bytes:
        """The key with the part of it that is to be hashed; what stands behind a hash stop never is."""
        hashed = hashed_part(key)
        parts = hashed.split(self._delimiter, self._parts)
        if len(parts) <= self._parts:
            return key
        return PlacedKey(key, len(hashed) - len(parts[-1]))

    def route(self, request: Request) -> None:
        placed = self.placed(request.key)
        if placed is not request.key:
            _PlaceBack(request)
            request.key = placed
        self._target.route(request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        placed = [self.placed(key) for key in keys]
        servers, inner = self._target.locate(placed)
        return servers, keys if inner is placed else inner

    def destinations(self) -> Sequence[Destination]:
        return self._target.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target`, `num_routing_parts`, and `delimiter`, one character."""
        delimiter = fields.text("delimiter").encode()
        if len(delimiter) != 1:
            raise fields.error("delimiter must be one character", "delimiter")
        parts = fields.integer("num_routing_parts", None, 1, PARTS_MAX)
        return cls(fields.child("target"), parts, delimiter)


class _PlaceBack(Continuation):
    """Takes the place off the key again: a route above may ask elsewhere."""

    __slots__ = ("_key",)

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._key = request.key

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        request.key = self._key
        self.pass_up(request, result, raw)
