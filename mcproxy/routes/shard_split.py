"""ShardSplitRoute: a hot shard's keys get as many names as the shard has splits; each host uses one.

prefix:SHARD:rest    split 0: the key itself    split 1: prefix:SHARDaa:rest    split 2: prefix:SHARDba:rest
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcproxy.request import OpClass, Request
from mcproxy.request_text import with_key
from mcproxy.routes.base import Fields, Located, RouteHandle
from mcproxy.routes.changed import is_usable_key, under_key
from mcproxy.routes.context import RouteContext
from mcproxy.routing_prefix import hashed_part, named_as
from mcproxy.upstream.destination import Destination

SPLITS_MAX = 26 * 26 + 1

_DIGITS = frozenset(b"0123456789")
_HOSTS = 1000  # the migration of a count moves hosts over in so many parts


@dataclass(frozen=True, slots=True)
class Splits:
    """How many splits a shard has: `old`, and from `start` (Unix time) on more and more hosts use `new`."""

    old: int
    new: int
    start: float = 0.0
    period_s: float = 0.0
    fans_out_deletes: bool = False

    def count_at(self, now: float, host_id: int) -> int:
        """What this host uses."""
        elapsed_s = now - self.start
        if elapsed_s < 0:
            return self.old
        if elapsed_s >= self.period_s:
            return self.new
        return self.new if host_id % _HOSTS / _HOSTS < elapsed_s / self.period_s else self.old

    def most_at(self, now: float) -> int:
        """What any host may use."""
        return self.new if now >= self.start + self.period_s else max(self.old, self.new)


class ShardSplitRoute(RouteHandle):
    """It comes from PoolRoute's `shard_splits`; keys of other shards, and of other shapes, go as they are."""

    __slots__ = ("_child", "_context", "_splits")

    def __init__(self, child: RouteHandle, splits: Mapping[bytes, Splits], context: RouteContext) -> None:
        """`splits` by shard."""
        self._child = child
        self._splits = splits
        self._context = context

    def route(self, request: Request) -> None:
        key = request.key
        if request.op_class is OpClass.DELETE:
            end = shard_end(key)
            splits = self._splits.get(_shard(key, end)) if end else None
            if splits is not None and splits.fans_out_deletes:
                self._delete_everywhere(request, end, splits)
                return
        own = self._own_name(key)
        self._child.route(request if own == key else under_key(request, own))

    def member_of(self, key: bytes) -> int | None:
        return self._child.member_of(self._own_name(key))

    def locate(self, keys: Sequence[bytes]) -> Located:
        names = [self._own_name(key) for key in keys]
        return self._child.locate(keys if names == keys else names)

    def _own_name(self, key: bytes) -> bytes:
        """What this host calls the key."""
        end = shard_end(key)
        splits = self._splits.get(_shard(key, end)) if end else None
        if splits is None:
            return key
        host_id = self._context.host_id
        own = split_key(key, end, host_id % splits.count_at(self._context.wall_time(), host_id))
        return own if is_usable_key(own) else key

    def _delete_everywhere(self, request: Request, end: int, splits: Splits) -> None:
        """The key itself is waited for, the others' deletes are in the background."""
        op, key, text = request.op, request.key, request.text
        self._child.route(request)
        for number in range(1, splits.most_at(self._context.wall_time())):
            name = split_key(key, end, number)
            if is_usable_key(name):
                copy = with_key(op, text, name)
                self._context.background.ask(self._child.route, op, named_as(name, key), copy)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()


def shard_end(key: bytes) -> int:
    """Where the shard of a key ends: at its second colon, before the hash stop; 0 when it has no shard."""
    hashed = hashed_part(key)
    start = hashed.find(b":") + 1
    end = hashed.find(b":", start) if start else 0
    return end if end > 0 and hashed[end - 1] in _DIGITS else 0


def _shard(key: bytes, end: int) -> bytes:
    return key[key.index(b":") + 1 : end]


def split_key(key: bytes, end: int, number: int) -> bytes:
    """The key's name in a split: two letters after the shard, none for number 0."""
    if not number:
        return key
    letters = bytes((97 + (number - 1) % 26, 97 + (number - 1) // 26))
    return key[:end] + letters + key[end:]


def shard_split(child: RouteHandle, given: Fields, fans_out: bool, context: RouteContext) -> RouteHandle:
    """`child` with the `shard_splits` given: shard to count, or to an object for a count that changes."""
    splits = {shard.encode(): _splits(given, shard, fans_out) for shard in given.names()}
    return ShardSplitRoute(child, splits, context) if splits else child


def _splits(given: Fields, shard: str, fans_out: bool) -> Splits:
    changing = given.object(shard) if given.is_object(shard) else None
    if changing is None:
        count = given.integer(shard, low=1, high=SPLITS_MAX)
        return Splits(count, count, fans_out_deletes=fans_out)
    return Splits(
        changing.integer("old_split_size", 1, low=1, high=SPLITS_MAX),
        changing.integer("new_split_size", 1, low=1, high=SPLITS_MAX),
        changing.integer("split_start", 0),
        changing.integer("migration_period", 0),
        changing.boolean("fanout_deletes", fans_out),
    )
