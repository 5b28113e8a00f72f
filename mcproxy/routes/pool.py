"""PoolRoute: one server of a pool, chosen by the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node, Selector
from mcproxy.request import Request
from mcproxy.routes.base import Fields, Located, Pool, RouteHandle, all_destinations
from mcproxy.routes.buckets import Buckets
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.error import ErrorRoute
from mcproxy.routes.latest import latest_fields, latest_route
from mcproxy.routes.null import NullRoute
from mcproxy.routes.pool_options import around_members, around_pool
from mcproxy.routing_prefix import BAR, hashed_part
from mcproxy.upstream.destination import Destination


class PoolRoute(RouteHandle):
    """Hashes the key, up to its hash stop, over the pool's servers."""

    __slots__ = ("_leaves", "_members", "_routes", "_select", "name")

    def __init__(self, name: str, members: Sequence[RouteHandle], select: Selector) -> None:
        self.name = name
        self._members = members
        self._routes = [member.route for member in members]
        self._leaves = [member.destination if isinstance(member, DestinationRoute) else None for member in members]
        self._select = select

    def route(self, request: Request) -> None:
        key = request.key
        if BAR in key:
            key = hashed_part(key)
        self._routes[self._select(key)](request)

    def member_of(self, key: bytes) -> int | None:
        return self._select(hashed_part(key))

    def locate(self, keys: Sequence[bytes]) -> Located:
        leaves, select = self._leaves, self._select
        return [leaves[select(hashed_part(key) if BAR in key else key)] for key in keys], keys

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self._members)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"PoolRoute|A"`, or with `pool`, `hash` (a name or an object), and what buckets.py and
        pool_options.py know.
        """
        pool, buckets = fields.pool("pool"), Buckets.of(fields)
        pool = replace(pool, members=around_members(fields, pool.members))
        latest = latest_fields(fields, "hash")
        if latest is not None:
            if buckets is not None:
                raise fields.error("Latest looks at no key, and so at no bucket", "bucketize")
            return around_pool(fields, latest_route(latest, pool.members))
        function, options = fields.hash("hash", pool.default_hash)
        try:
            return around_pool(fields, pool_route(pool, function, options, buckets))
        except ValueError as error:
            raise fields.error(str(error)) from error


def pool_route(pool: Pool, function: str, options: HashOptions, buckets: Buckets | None = None) -> RouteHandle:
    """A PoolRoute over `pool`, or over its `buckets`. An empty pool is an error at every request, not at the start.

    Raises ValueError when the hash function refuses the nodes.
    """
    if not any(pool.nodes):
        return nothing_found(pool.name) if pool.error_on_empty else NullRoute()
    select = _selector(function, pool.nodes, options)
    return PoolRoute(pool.name, pool.members, buckets.before(select) if buckets is not None else select)


def nothing_found(name: str) -> ErrorRoute:
    """What a pool without servers answers, in mcrouter's words."""
    return ErrorRoute(f"HashRoute with empty children, name: {name}")


@lru_cache(maxsize=16)
def _selector(function: str, nodes: tuple[Node | None, ...], options: HashOptions) -> Selector:
    """Building a ring takes a tenth of a second, and a server that only moved changes nothing in it."""
    return HASH_FUNCTIONS[function](nodes, options)
