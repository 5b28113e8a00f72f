"""PrefixSelectorRoute: a child for keys that begin alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcproxy.request import Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.error import ErrorRoute
from mcproxy.routes.locating import locate_by_child
from mcproxy.upstream.destination import Destination

NOT_FOUND = "RootRoute: No rh found"


class PrefixSelectorRoute(RouteHandle):
    """The longest policy that a key begins with has it, else the wildcard.

    Only at the top of a tree, where the root asks `select`; deeper down mcrouter knows nothing of the policies, and
    it is its wildcard.
    """

    __slots__ = ("_by_prefix", "_lengths", "route", "wildcard")

    def __init__(self, policies: Mapping[bytes, RouteHandle], wildcard: RouteHandle) -> None:
        self.wildcard = wildcard
        self._by_prefix = policies
        self._lengths = sorted({len(prefix) for prefix in policies}, reverse=True)
        self.route = wildcard.route  # type: ignore[method-assign]

    def select(self, key: bytes) -> RouteHandle:
        """Whose key this is; without its routing prefix."""
        by_prefix = self._by_prefix
        for length in self._lengths:
            prefix = key[:length]
            if prefix in by_prefix:
                return by_prefix[prefix]
        return self.wildcard

    def route_selected(self, request: Request) -> None:
        """What `route` is at the top."""
        key, by_prefix = request.key, self._by_prefix
        for length in self._lengths:
            prefix = key[:length]
            if prefix in by_prefix:
                by_prefix[prefix].route(request)
                return
        self.route(request)

    def locate_selected(self, keys: Sequence[bytes]) -> Located:
        """What `locate` is at the top."""
        return locate_by_child(keys, self.select)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return self.wildcard.locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self.wildcard, *self._by_prefix.values()])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `policies`, an object of routes by prefix, and `wildcard`; without one, other keys are errors."""
        wildcard = fields.optional_child("wildcard") or no_route()
        policies = {prefix.encode(): handle for prefix, handle in fields.child_map("policies").items()}
        return cls(policies, wildcard) if policies else wildcard


def no_route() -> RouteHandle:
    """What answers keys that nothing is configured for, in mcrouter's words."""
    return ErrorRoute(NOT_FOUND)
