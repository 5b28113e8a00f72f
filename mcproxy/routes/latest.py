"""LatestRoute: every host keeps to one child, and to the same few when that one fails."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.failover import build_failover

FAILOVERS = 5

LATEST = "Latest"
"""In the place of a hash function it asks for a LatestRoute."""


class LatestRoute(RouteHandle):
    """A FailoverRoute over some children, drawn once for this host; it is that route that is built."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `children`, `failover_count`, `salt`, `weights`, `thread_local_failover`; FailoverRoute's fields.

        With `thread_local_failover` every worker draws for itself.
        """
        return latest_route(fields, fields.children("children"))


def latest_route(fields: Fields, children: Sequence[RouteHandle]) -> RouteHandle:
    """What LatestRoute's other fields make of `children`."""
    count = fields.integer("failover_count", FAILOVERS, 1)
    weights = [*fields.numbers("weights"), *[0.5] * len(children)] if fields.has("weights") else [1.0] * len(children)
    worker = fields.context.worker if fields.boolean("thread_local_failover", False) else 0
    salt = fields.text("salt", "")
    try:
        drawn = draw(len(children), count, weights, f"{fields.context.host_id}:{worker}:{salt}")
    except ValueError as error:
        raise fields.error(str(error), "weights") from error
    return build_failover(fields, [children[at] for at in drawn])


def latest_fields(fields: Fields, name: str) -> Fields | None:
    """Where LatestRoute's fields are, if the field `name`, a hash function or an object with one, asks for it."""
    holder, field = (fields.object(name), "hash_func") if fields.is_object(name) else (fields, name)
    return holder if holder is not None and holder.text(field, "") == LATEST else None


def draw(children: int, count: int, weights: Sequence[float], key: str) -> list[int]:
    """The numbers of `count` different children, the first draw first. ValueError for a weight outside 0 to 1."""
    left = list(range(children))
    drawn: list[int] = []
    while left and len(drawn) < count:
        options = HashOptions(weights=tuple(weights[at] for at in left))
        select = HASH_FUNCTIONS["WeightedCh3"]([Node(str(at)) for at in left], options)
        drawn.append(left.pop(select(f"{key}:{len(drawn)}".encode())))
    return drawn
