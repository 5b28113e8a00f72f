"""LoadBalancerRoute: children share the load."""

from __future__ import annotations

from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.failover import build_failover
from mcproxy.routes.random import RandomRoute, random_route

ALGORITHMS = ("weighted-hashing", "two-random-choices")


class LoadBalancerRoute(RandomRoute):
    """Servers that speak the text protocol do not tell their load, so every algorithm is an even spread."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `children`, `algorithm`, `failover_count`: how many children a request may be tried at.

        `salt` and `load_ttl_ms` have nothing to act on.
        """
        children = fields.children("children")
        if (algorithm := fields.text("algorithm", ALGORITHMS[0])) not in ALGORITHMS:
            raise fields.error(f"unknown algorithm: {algorithm}", "algorithm")
        fields.text("salt", "")
        fields.integer("load_ttl_ms", 100, 1)
        count = min(fields.integer("failover_count", 1, 1), len(children))
        if count > 1:
            rounds = [[*children[at:], *children[:at]][:count] for at in range(len(children))]
            children = [build_failover(fields, tried) for tried in rounds]
        return random_route(children, fields.context.rng)
