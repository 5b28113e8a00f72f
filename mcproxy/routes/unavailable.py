"""What clients of --upstream pools see while a server is away, when that shall not be an error.

--on-unavailable miss   gets: a miss; all else: the error
--on-unavailable next   another server of the pool takes everything, what is stored there lives NEXT_TTL_S at most

A server is away when its reply is one that mcrouter would fail over on: taken out, refused, silent, gone.
"""

from __future__ import annotations

import time
from binascii import crc32
from collections.abc import Callable, Sequence
from typing import cast

from mcproto.encode import END
from mcproxy.outcome import FIRST_ERROR, Result, is_failover_error
from mcproxy.request import Continuation, OpClass, PartsWaiter, Request
from mcproxy.routes.base import Located, RouteHandle
from mcproxy.routes.destination import DestinationRoute
from mcproxy.routes.modify_exptime import ModifyExptimeRoute
from mcproxy.routing_prefix import hashed_part
from mcproxy.upstream.destination import Destination

NEXT_TTL_S = 10
"""Seconds that the next server keeps what it was given: so that when this one is away again, no old copy is there."""


class MissWhenAway(RouteHandle):
    """Gets that `pool` cannot serve now are misses."""

    __slots__ = ("_pool", "_route", "_servers")

    def __init__(self, pool: RouteHandle) -> None:
        self._pool = pool
        self._route = pool.route
        self._servers = {server: _MissServer(server) for server in pool.destinations()}

    def route(self, request: Request) -> None:
        if request.op_class is OpClass.GET:
            _Miss(request)
        self._route(request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        servers, inner = self._pool.locate(keys)
        return list(map(self._servers.get, servers)), inner  # type: ignore[arg-type]  # None stays None

    def destinations(self) -> Sequence[Destination]:
        return self._pool.destinations()


class _MissServer:
    """A server as a get of several keys sees it: what goes wrong on the way is a miss of all of them."""

    __slots__ = ("_send", "results")

    def __init__(self, server: Destination) -> None:
        self._send = server.send
        self.results = server.results

    def send(self, request: Request) -> None:
        _Miss(request)
        self._send(request)


class _Miss(Continuation):
    __slots__ = ()

    def await_more(self, parts: int) -> None:
        """Of a line whose keys join other gets: as its waiter."""
        cast(PartsWaiter, self.above).await_more(parts)

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result >= FIRST_ERROR and is_failover_error(result):
            result, raw = Result.NOTFOUND.value, END
        self.pass_up(request, result, raw)


class NextWhenAway(RouteHandle):
    """Requests that a member of `pool` cannot take go to another, by their key: so its share is spread over all."""

    __slots__ = ("_limited", "_members", "_pool", "_route", "_servers")

    def __init__(
        self, pool: RouteHandle, members: Sequence[RouteHandle], wall_time: Callable[[], float] = time.time
    ) -> None:
        """`members` are the pool's, in its order."""
        self._pool = pool
        self._route = pool.route
        self._members = members
        self._limited = [ModifyExptimeRoute(member, NEXT_TTL_S, True, wall_time) for member in members]
        self._servers = {server: _MissServer(server) for server in pool.destinations()}

    def route(self, request: Request) -> None:
        _Next(request, self)
        self._route(request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        """Keys of servers that are out go one by one, each to its next."""
        servers, inner = self._pool.locate(keys)
        here = {server: wrapped for server, wrapped in self._servers.items() if not server.tracker.is_tko}
        return list(map(here.get, servers)), inner  # type: ignore[arg-type]  # None stays None

    def destinations(self) -> Sequence[Destination]:
        return self._pool.destinations()

    def next_of(self, key: bytes) -> RouteHandle | None:
        """The member that takes the key's requests now; None when all others are away too."""
        members, away = self._members, self._pool.member_of(key)
        count = len(members)
        start = crc32(hashed_part(key))
        for step in range(count):
            at = (start + step) % count
            member = members[at]
            if at != away and isinstance(member, DestinationRoute) and not member.destination.tracker.is_tko:
                return self._limited[at]
        return None


class _Next(Continuation):
    __slots__ = ("_away",)

    def __init__(self, request: Request, away: NextWhenAway) -> None:
        super().__init__(request)
        self._away = away

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result >= FIRST_ERROR and is_failover_error(result):
            following = self._away.next_of(request.key)
            if following is not None:
                request.waiter = self.above
                following.route(request)
                return
        self.pass_up(request, result, raw)
