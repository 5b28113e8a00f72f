"""FailoverRoute's `enable_lease_pairing`: a lease-set goes to the child that gave the lease.

    lease-get ─► child 0 fails ─► child 1: token 9      the client reads 2 + (9 - 2) · 3 + 1 = 24
    lease-set 24 ─► child 1, token 9                    of three children

The child is in the token, so any process of any proxy with this configuration knows it, also after a restart;
mcrouter keeps a map of tokens. A failover below that pairs too does the same with its own number.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.lease import HOT_MISS, NO_LEASE, miss_raw, parse_lease, token_of, with_token
from mcproxy.outcome import Result
from mcproxy.request import Continuation, Op, Request
from mcproxy.routes.base import RouteHandle
from mcproxy.routes.changed import with_text
from mcproxy.upstream.destination import Destination

_LEASE_GET, _LEASE_SET = Op.LEASE_GET.value, Op.LEASE_SET.value
_NOTFOUND = Result.NOTFOUND.value
_FIRST_TOKEN = HOT_MISS + 1
_TOKENS = 2**64


def paired_token(token: int, at: int, count: int) -> int:
    """The token of child `at` of `count` as clients read it; NO_LEASE when it is too great for that."""
    if token <= HOT_MISS:
        return token
    paired = _FIRST_TOKEN + (token - _FIRST_TOKEN) * count + at
    return paired if paired < _TOKENS else NO_LEASE


def child_of(paired: int, count: int) -> tuple[int, int]:
    """(child, its token) of a token that a client has read; child 0 of one that is no lease."""
    if paired <= HOT_MISS:
        return 0, paired
    token, at = divmod(paired - _FIRST_TOKEN, count)
    return at, token + _FIRST_TOKEN


class LeasePairingRoute(RouteHandle):
    """Stands before a failover whose children are PairedRoutes."""

    __slots__ = ("_children", "_failover", "_route")

    def __init__(self, failover: RouteHandle, children: Sequence[RouteHandle]) -> None:
        """`children` are the failover's own, unpaired."""
        self._failover = failover
        self._route = failover.route
        self._children = children

    def route(self, request: Request) -> None:
        if request.op != _LEASE_SET:
            self._route(request)
            return
        at, token = child_of(token_of(request.text), len(self._children))
        self._children[at].route(with_text(request, with_token(request.text, token)))

    def destinations(self) -> Sequence[Destination]:
        return self._failover.destinations()


class PairedRoute(RouteHandle):
    """Puts the child's number into the tokens that it gives."""

    __slots__ = ("_at", "_child", "_count")

    def __init__(self, child: RouteHandle, at: int, count: int) -> None:
        self._child = child
        self._at = at
        self._count = count

    def route(self, request: Request) -> None:
        if request.op == _LEASE_GET:
            _Paired(request, self)
        self._child.route(request)

    def paired(self, raw: bytes) -> bytes:
        """A miss with the token as clients read it."""
        token, stale = parse_lease(raw)
        return miss_raw(paired_token(token, self._at, self._count), stale)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()


class _Paired(Continuation):
    __slots__ = ("_route",)

    def __init__(self, request: Request, route: PairedRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self.pass_up(request, result, self._route.paired(raw) if result == _NOTFOUND else raw)


def paired_children(children: Sequence[RouteHandle]) -> list[RouteHandle]:
    """What the failover is to ask instead."""
    return [PairedRoute(child, at, len(children)) for at, child in enumerate(children)]
