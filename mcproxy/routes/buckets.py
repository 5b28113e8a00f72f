"""PoolRoute's `bucketize`: a key is put into one of a fixed number of buckets, and it is buckets that servers have.

key + salt ──Ch3──► bucket, 0 to total_buckets - 1 ──its number as text, the pool's hash──► server
"""

from __future__ import annotations

from dataclasses import dataclass

from mcproxy.hashing import Selector
from mcproxy.hashing.furc import MAX_NODES, furc_hash
from mcproxy.routes.base import Fields
from mcproxy.routing_prefix import hashed_part

# They would put keys elsewhere: one is younger, one older than what is followed here, one changes the key first.
_NOT_BESIDE = ("total_buckets_by_prefix", "bucketize_until", "shard_splits")


@dataclass(frozen=True, slots=True)
class Buckets:
    """`keyspace` is a name that is only shown."""

    count: int
    keyspace: str
    salt: bytes = b""

    def bucket_of(self, key: bytes) -> int:
        """The key's, by what of it is hashed."""
        return furc_hash(hashed_part(key) + self.salt, self.count)

    def before(self, select: Selector) -> Selector:
        """`select` of the bucket."""
        count, salt = self.count, self.salt
        return lambda key: select(b"%d" % furc_hash(key + salt, count))

    @classmethod
    def of(cls, fields: Fields) -> Buckets | None:
        """Config: `bucketize`, with `total_buckets`, `bucketization_keyspace` and `salt`."""
        if not fields.boolean("bucketize", False):
            return None
        for name in _NOT_BESIDE:
            if fields.has(name):
                raise fields.error(f"{name} does not go with bucketize here", name)
        count = fields.integer("total_buckets", low=1, high=MAX_NODES)
        return cls(count, fields.text("bucketization_keyspace"), fields.text("salt", "").encode())
