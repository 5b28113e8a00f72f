"""In which order a FailoverRoute tries its children, and how often: FAILOVER_POLICIES.

Child 0 is always first. A policy is asked for the order of the others when that one has failed, so that it costs
nothing before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node, Selector
from mcproxy.hashing.murmur64 import murmur64a
from mcproxy.hashing.rendezvous import KEY_SEED, mix, tag_hash
from mcproxy.outcome import Result, is_error
from mcproxy.request import Continuation, Request
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.context import Counters
from mcproxy.routes.failover_errors import named_errors
from mcproxy.routing_prefix import hashed_part
from mcproxy.upstream.destination import Destination

UNLIMITED = sys.maxsize


class FailoverPolicy:
    """The order of the config, every child once.

    `tries` is how many children may be asked besides the first, `error_tries` how many errors are borne, child 0's
    included; those of `free_errors`, and servers that were not even asked, do not count.
    """

    __slots__ = ("children", "counter", "error_tries", "free_errors", "tries")

    def __init__(self, children: Sequence[RouteHandle], counter: str = "failover_inorder_policy") -> None:
        self.children = children
        self.counter = counter
        self.tries = len(children) - 1
        self.error_tries = UNLIMITED
        self.free_errors: frozenset[Result] = frozenset()

    def order(self, request: Request, failed: Sequence[int]) -> Iterator[int]:
        """The places of the children after the first, one by one.

        `failed` grows meanwhile by the children whose servers were not reachable.
        """
        return iter(range(1, len(self.children)))


class LeastFailuresPolicy(FailoverPolicy):
    """Those with the fewest errors in a row first. `children` count their errors themselves."""

    __slots__ = ("_failures",)

    def __init__(self, children: Sequence[RouteHandle], max_tries: int) -> None:
        self._failures = [0] * len(children)
        counted = [_CountedRoute(child, at, self._failures) for at, child in enumerate(children)]
        super().__init__(counted, "failover_least_failures_policy")
        self.tries = min(max_tries, len(children)) - 1

    def order(self, request: Request, failed: Sequence[int]) -> Iterator[int]:
        return iter(sorted(range(1, len(self.children)), key=self._failures.__getitem__))

    @classmethod
    def build(cls, fields: Fields, children: Sequence[RouteHandle], policy: Fields) -> LeastFailuresPolicy:
        """Config: `max_tries`, child 0 included."""
        return cls(children, policy.integer("max_tries", None, 1))


class _CountedRoute(RouteHandle):
    """A child, and how many errors in a row came from it."""

    __slots__ = ("_at", "_child", "_failures")

    def __init__(self, child: RouteHandle, at: int, failures: list[int]) -> None:
        self._child = child
        self._at = at
        self._failures = failures

    def route(self, request: Request) -> None:
        _Counted(request, self)
        self._child.route(request)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()

    def count(self, failed: bool) -> None:
        """A reply came."""
        self._failures[self._at] = self._failures[self._at] + 1 if failed else 0


class _Counted(Continuation):
    __slots__ = ("_route",)

    def __init__(self, request: Request, route: _CountedRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._route.count(is_error(result))
        self.pass_up(request, result, raw)


class DeterministicOrderPolicy(FailoverPolicy):
    """Children drawn by the key: every proxy fails over a key the same way.

    Each draw hashes the key with the salt "2", "3", ... over all children, and is repeated if it finds one that was
    used, the server that child 0 has chosen, or a failure domain in which a server was not reachable. After too many
    draws the order ends; mcrouter asks a child twice then.
    """

    __slots__ = ("_chosen", "_counters", "_domains", "_select")

    DRAWS = 100
    DRAWS_BY_DOMAIN = 75
    """From then on failure domains do not matter: perhaps all have failed."""

    def __init__(
        self,
        children: Sequence[RouteHandle],
        select: Selector,
        counters: Counters,
        *,
        max_tries: int,
        max_error_tries: int,
        free_errors: frozenset[Result] = frozenset(),
        chosen: Callable[[bytes], int | None] = lambda _key: None,
        domains: Sequence[int] = (),
    ) -> None:
        """`select` hashes over all children. `chosen` knows the place among 1.. that child 0 takes a key to.

        `domains` are the children's failure domains, 0 for none; without them domains do not matter.
        """
        super().__init__(children, "failover_deterministic_order_policy")
        self.tries = min(max_tries, len(children)) - 1
        self.error_tries = min(max_error_tries, self.tries + 1)
        self.free_errors = free_errors
        self._select = select
        self._counters = counters
        self._chosen = chosen
        self._domains = domains

    def order(self, request: Request, failed: Sequence[int]) -> Iterator[int]:
        key, salt, used = hashed_part(request.key), 1, {0}
        chosen = self._chosen(key)
        if chosen is not None:
            used.add(chosen)
        for _ in range(self.tries):
            for draw in range(self.DRAWS):
                salt += 1
                at = self._select(b"%b%d" % (key, salt))
                in_failed_domain = draw <= self.DRAWS_BY_DOMAIN and self._is_in_failed_domain(at, failed, chosen)
                if at not in used and not in_failed_domain:
                    break
                self._counters[
                    "failover_num_failed_domain_collisions" if in_failed_domain else "failover_num_collisions"
                ] += 1
            else:
                return
            used.add(at)
            yield at
            if len(used) == len(self.children):
                return

    def _is_in_failed_domain(self, at: int, failed: Sequence[int], chosen: int | None) -> bool:
        domains = self._domains
        if not domains or not domains[at]:
            return False
        places = [chosen if place == 0 else place for place in failed]
        return any(place is not None and domains[place] == domains[at] for place in places)

    @classmethod
    def build(cls, fields: Fields, children: Sequence[RouteHandle], policy: Fields) -> DeterministicOrderPolicy:
        """Config: `max_tries` and `max_error_tries`, child 0 included; `hash`, Ch3 or WeightedCh3.

        `exclude_errors` do not count as tries; `ignore_normal_reply_index`: the server that child 0 has chosen may
        be drawn; `enable_failure_domains`: those of the children's servers, as their pool has them.
        """
        function, options = policy.hash("hash", "Ch3")
        if function not in ("Ch3", "WeightedCh3"):
            raise policy.error(f"Unknown hash function {function}", "hash")
        by_domain = policy.boolean("enable_failure_domains", False)
        return cls(
            children,
            _select(policy, function, options, len(children)),
            fields.context.counters,
            max_tries=policy.integer("max_tries", None, 1),
            max_error_tries=policy.integer("max_error_tries", None, 1),
            free_errors=named_errors(policy, "exclude_errors"),
            chosen=_nobody if policy.boolean("ignore_normal_reply_index", False) else chosen_by(children),
            domains=[child.failure_domain for child in children] if by_domain else (),
        )


class RendezvousPolicy(FailoverPolicy):
    """Children 1.. by their rendezvous scores for the key, without the server that child 0 has chosen."""

    __slots__ = ("_chosen", "_tags")

    def __init__(
        self,
        children: Sequence[RouteHandle],
        tags: Sequence[str],
        chosen: Callable[[bytes], int | None] = lambda _key: None,
    ) -> None:
        """A tag for each child but the first."""
        super().__init__(children, "failover_rendezvous_policy")
        self._tags = [tag_hash(Node(tag, tag=tag)) for tag in tags]
        self._chosen = chosen

    def order(self, request: Request, failed: Sequence[int]) -> Iterator[int]:
        key = hashed_part(request.key)
        key_hash, chosen = murmur64a(key, KEY_SEED), self._chosen(key)
        scores = [(float(mix(key_hash, tag)), at) for at, tag in enumerate(self._tags, 1)]
        return (at for _, at in sorted(scores, reverse=True) if at != chosen)

    @classmethod
    def build(cls, fields: Fields, children: Sequence[RouteHandle], policy: Fields) -> RendezvousPolicy:
        """Config: `tags` in the policy, in the route, or in the route's `hash`."""
        in_hash = fields.object("hash") if fields.is_object("hash") else None
        places = [place for place in (policy, fields, in_hash) if place is not None and place.has("tags")]
        tags = places[0].texts("tags") if places else []
        if len(tags) != len(children) - 1 or not all(tags):
            raise policy.error(f"{len(tags)} tags for {len(children) - 1} failover children", "tags")
        return cls(children, tags, chosen_by(children))


FAILOVER_POLICIES: dict[str, Callable[[Fields, Sequence[RouteHandle], Fields], FailoverPolicy]] = {
    "LeastFailuresPolicy": LeastFailuresPolicy.build,
    "DeterministicOrderPolicy": DeterministicOrderPolicy.build,
    "RendezvousPolicy": RendezvousPolicy.build,
}


def failover_policy(fields: Fields, children: Sequence[RouteHandle]) -> FailoverPolicy:
    """Config: `failover_policy` with `type`; without, the children's order."""
    policy = fields.object("failover_policy")
    if policy is None:
        return FailoverPolicy(children)
    name = policy.text("type")
    if name not in FAILOVER_POLICIES:
        raise policy.error(f"unknown failover policy: {name}", "type")
    return FAILOVER_POLICIES[name](fields, children, policy)


def chosen_by(children: Sequence[RouteHandle]) -> Callable[[bytes], int | None]:
    """Which of the children from 1 on child 0, a route over the same servers, takes a key to."""
    choose = children[0].member_of

    def chosen(key: bytes) -> int | None:
        member = choose(key)
        return member + 1 if member is not None and member + 1 < len(children) else None

    return chosen


def _nobody(_key: bytes) -> None:
    return None


def _select(policy: Fields, function: str, options: HashOptions, count: int) -> Selector:
    try:
        return HASH_FUNCTIONS[function]([Node(str(at)) for at in range(count)], options)
    except ValueError as error:
        raise policy.error(str(error), "hash") from error
