"""FailoverRoute: the next child when one fails.

request ─► child 0 ─ ordinary reply ─────────────────────────────────► its reply
              └ error, one of failover_errors, allowed by the limit
                   └─► the policy's next child, and so on: the last one's reply

An ordinary reply costs nothing: the route is the request's rescuer, and what one request needs is made when its
first error comes. Limit, tag and counting policies stand between the route and its children, so a route without
them does not pay for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from mcproxy.outcome import FIRST_ERROR, is_unreachable
from mcproxy.request import Continuation, KeysRequest, PartsWaiter, Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.context import Counters
from mcproxy.routes.failover_errors import DEFAULT_ERRORS, FailoverErrors, failover_errors
from mcproxy.routes.failover_limit import FailoverLimit, LimitedRoute
from mcproxy.routes.failover_policies import FailoverPolicy, failover_policy
from mcproxy.routes.failover_tag import TaggedRoute
from mcproxy.routes.lease_pairing import LeasePairingRoute, paired_children
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class FailoverRoute(RouteHandle):
    """Children in the policy's order, until one's reply is no failover error; else the last one's reply."""

    __slots__ = ("_first", "_ways", "children", "counters", "errors", "limit", "policy")

    def __init__(
        self,
        policy: FailoverPolicy,
        counters: Counters,
        errors: FailoverErrors = DEFAULT_ERRORS,
        limit: FailoverLimit | None = None,
    ) -> None:
        """The children are the policy's; two at least."""
        self.policy = policy
        self.children = policy.children
        self.counters = counters
        self.errors = errors
        self.limit = limit
        first = self.children[0]
        self._first = (LimitedRoute(first, limit) if limit is not None else first).route
        self._ways = _Ways(self)

    def route(self, request: Request) -> None:
        if request.rescuer is not None:  # a failover above
            request.rescuer.stand_back(request)
        request.rescuer = self
        self._first(request)

    def rescue(self, request: Request, result: int, raw: bytes) -> None:
        """Child 0 has failed."""
        if isinstance(request, KeysRequest):
            _LineAttempts(request, self).on_reply(request, result, raw)
        else:
            _Attempts(request, self).on_reply(request, result, raw)

    def stand_back(self, request: Request) -> None:
        """Wait for child 0 as a continuation."""
        request.rescuer = None
        if isinstance(request, KeysRequest):
            _LineAttempts(request, self)
        else:
            _Attempts(request, self)

    def locate(self, keys: Sequence[bytes]) -> Located:
        """Where child 0 has them: those of a line that fails go on one by one."""
        servers, inner = self.children[0].locate(keys)
        if self.limit is not None or inner is not keys:
            return super().locate(keys)
        return list(map(self._ways.__getitem__, servers)), keys  # type: ignore[arg-type]  # a way sends as a server does

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"FailoverRoute|Pool|A"`, or with `children` and the fields of `build_failover`."""
        return build_failover(fields, fields.children("children"))


def build_failover(fields: Fields, children: Sequence[RouteHandle]) -> RouteHandle:
    """A FailoverRoute over `children`, where there are several.

    Config: `failover_errors`, `failover_limit`, `failover_policy`, `failover_tag`, and `enable_lease_pairing`, which
    needs a `name`.
    """
    is_pairing = fields.boolean("enable_lease_pairing", False)
    if is_pairing and not fields.has("name"):
        raise fields.error("name is required when lease pairing is enabled", "enable_lease_pairing")
    is_tagging = fields.boolean("failover_tag", False)
    errors, limit = failover_errors(fields), FailoverLimit.of(fields)
    if len(children) < 2:
        return children[0] if children else NullRoute()
    policy = failover_policy(fields, children)
    if is_tagging:
        policy.children = [policy.children[0], *map(TaggedRoute, policy.children[1:])]
    if not is_pairing:
        return FailoverRoute(policy, fields.context.counters, errors, limit)
    unpaired, policy.children = policy.children, paired_children(policy.children)
    return LeasePairingRoute(FailoverRoute(policy, fields.context.counters, errors, limit), unpaired)


class _Way:
    """A server below child 0, as one that a line of keys is sent to."""

    __slots__ = ("_rescuer", "_send", "results")

    def __init__(self, server: Destination, rescuer: FailoverRoute) -> None:
        self._send = server.send
        self._rescuer = rescuer
        self.results = server.results

    def send(self, request: Request) -> None:
        if request.rescuer is not None:  # a failover above
            request.rescuer.stand_back(request)
        request.rescuer = self._rescuer
        self._send(request)


class _Ways(dict[Destination | None, _Way | None]):
    """By server. One whose gets may join others' has none: there the keys go one by one, each with its failover."""

    def __init__(self, rescuer: FailoverRoute) -> None:
        super().__init__({None: None})
        self._rescuer = rescuer

    def __missing__(self, server: Destination) -> _Way | None:
        is_joining = isinstance(server, Destination) and server.single_flight is not None
        way = self[server] = None if is_joining else _Way(server, self._rescuer)
        return way


class _LineAttempts(Continuation):
    """Of a line of keys: when child 0 fails, each of them goes on by itself."""

    __slots__ = ("_route",)

    def __init__(self, request: KeysRequest, route: FailoverRoute) -> None:
        super().__init__(request)
        self._route = route

    def await_more(self, parts: int) -> None:
        """As its waiter."""
        cast(PartsWaiter, self.above).await_more(parts)

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result < FIRST_ERROR:
            self.above.on_reply(request, result, raw)  # which may find that it does not fit: an error comes here next
        elif isinstance(request, KeysRequest):
            request.results[result] += len(request.keys) - 1
            self.await_more(len(request.keys) - 1)
            for one in request.apart(self.above):
                _Attempts(one, self._route).on_reply(one, result, raw)
        else:  # a failover below has sent them one by one already
            request.waiter = self.above
            _Attempts(request, self._route).on_reply(request, result, raw)


class _Attempts(Continuation):
    """How far one request has come among a FailoverRoute's children.

    A child that is out answers at once: a loop, and no recursion, goes through hundreds of them.
    """

    __slots__ = ("_answer", "_at", "_errors", "_failed", "_is_asking", "_left", "_order", "_route")

    def __init__(self, request: Request, route: FailoverRoute) -> None:
        self.above = request.waiter
        request.waiter = self
        self._route = route
        self._left = -1  # failovers that are left; not known before the first error

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result < FIRST_ERROR:  # pass_up, without the call
            request.waiter = self.above
            self.above.on_reply(request, result, raw)
        elif self._left < 0:
            self._begin(request, result, raw)
        elif self._is_asking:
            self._answer: tuple[int, bytes] | None = (result, raw)
        elif self._may_go_on(request, result):
            self._go_on(request, result, raw)
        else:
            self.pass_up(request, result, raw)

    def _begin(self, request: Request, result: int, raw: bytes) -> None:
        """Child 0 has failed."""
        route = self._route
        self._at = 0
        self._errors = 0
        self._failed: list[int] = []
        self._left = route.policy.tries
        if not self._is_failover(request, result):
            self.pass_up(request, result, raw)
            return
        if self._left:
            route.counters["failover_all"] += 1
            route.counters[route.policy.counter] += 1
            self._order: Iterator[int] = route.policy.order(request, self._failed)
        self._go_on(request, result, raw)

    def _may_go_on(self, request: Request, result: int) -> bool:
        """Of a later child's error. The last one's is the reply whatever it is."""
        return not self._left or self._is_failover(request, result)

    def _is_failover(self, request: Request, result: int) -> bool:
        """Whether this error is one to fail over after; if so it is counted."""
        route, counters = self._route, self._route.counters
        if result not in route.errors[request.op_class]:
            return False
        if is_unreachable(result):
            counters["failover_policy_tko_error"] += 1
            self._failed.append(self._at)
            return True
        counters["failover_policy_result_error"] += 1
        if route.limit is not None and not route.limit.take():
            counters["failover_rate_limited"] += 1
            return False
        if result not in route.policy.free_errors:
            self._errors += 1
        return True

    def _go_on(self, request: Request, result: int, raw: bytes) -> None:
        """Ask the next children, until one does not fail at once."""
        policy = self._route.policy
        while True:
            if self._left and self._errors >= policy.error_tries:
                break
            at = next(self._order, None) if self._left else None
            if at is None:
                self._count_all_failed()
                break
            self._left -= 1
            self._at = at
            reply = self._ask(request, policy.children[at])
            if reply is None:
                return
            result, raw = reply
            if not self._may_go_on(request, result):
                break
        self.pass_up(request, result, raw)

    def _ask(self, request: Request, child: RouteHandle) -> tuple[int, bytes] | None:
        """The child's error, if it comes at once."""
        self._answer, self._is_asking = None, True
        child.route(request)
        self._is_asking = False
        return self._answer

    def _count_all_failed(self) -> None:
        counters = self._route.counters
        counters["failover_all_failed"] += 1
        counters[f"{self._route.policy.counter}_failed"] += 1
