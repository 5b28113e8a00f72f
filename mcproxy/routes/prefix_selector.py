"""PrefixSelectorRoute: a child for keys that begin alike."""

from __future__ import annotations

from bisect import bisect_right
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

    The keys that begin with a prefix are a range in the order of all keys, so the policies cut that order into ranges
    with one child each: to find a key's is one bisection, however many policies there are and of what lengths.
    """

    __slots__ = ("_bounds", "_by_prefix", "_handles", "_routes", "route", "wildcard")

    def __init__(self, policies: Mapping[bytes, RouteHandle], wildcard: RouteHandle) -> None:
        self.wildcard = wildcard
        self._by_prefix = policies
        self._bounds = sorted({*policies, *filter(None, map(_end_of, policies))})
        lengths = sorted({len(prefix) for prefix in policies}, reverse=True)
        # below the first bound, and from each one on
        self._handles = [wildcard, *(self._longest(bound, lengths) for bound in self._bounds)]
        self._routes = [handle.route for handle in self._handles]
        self.route = wildcard.route  # type: ignore[method-assign]

    def select(self, key: bytes) -> RouteHandle:
        """Whose key this is; without its routing prefix."""
        return self._handles[bisect_right(self._bounds, key)]

    def route_selected(self, request: Request) -> None:
        """What `route` is at the top."""
        self._routes[bisect_right(self._bounds, request.key)](request)

    def locate_selected(self, keys: Sequence[bytes]) -> Located:
        """What `locate` is at the top."""
        return locate_by_child(keys, self.select)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return self.wildcard.locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self.wildcard, *self._by_prefix.values()])

    def _longest(self, key: bytes, lengths: Sequence[int]) -> RouteHandle:
        prefixes = (key[:length] for length in lengths)
        return next((self._by_prefix[prefix] for prefix in prefixes if prefix in self._by_prefix), self.wildcard)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `policies`, an object of routes by prefix, and `wildcard`; without one, other keys are errors."""
        wildcard = fields.optional_child("wildcard") or no_route()
        policies = {prefix.encode(): handle for prefix, handle in fields.child_map("policies").items()}
        return cls(policies, wildcard) if policies else wildcard


def _end_of(prefix: bytes) -> bytes:
    """The first key behind all that begin with `prefix`; b"" when there is none."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else b""


def no_route() -> RouteHandle:
    """What answers keys that nothing is configured for, in mcrouter's words."""
    return ErrorRoute(NOT_FOUND)
