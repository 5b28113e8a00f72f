"""`consistent`: places keys as libmemcached does with its consistent distribution (`KETAMA`) switched on.

A server has 100 points, the key hash of "name-number", and a key belongs to the first point at or after its own
hash. As soon as one server has another weight than 1, libmemcached builds its weighted ring instead: `ketama`.
"""

from bisect import bisect_left

from mcproxy.hashing.ketama import ketama_ring, point_name
from mcproxy.hashing.key_hashes import key_hash_named
from mcproxy.hashing.node import HashOptions
from mcproxy.hashing.selector import NamedSlots, Selector, by_name, weight_of

POINTS = 100
DEFAULT_KEY_HASH = "one_at_a_time"


@by_name
def consistent(slots: NamedSlots, options: HashOptions) -> Selector:
    """Config name consistent. ValueError for an unknown key_hash, or a weight of zero or less."""
    key_hash = key_hash_named(options.key_hash or DEFAULT_KEY_HASH)
    if any(weight_of(index, node, options) != 1 for index, node in slots):
        return ketama_ring(slots, options, key_hash)
    ring = sorted(
        (key_hash(b"%b-%d" % (point_name(node).encode(), number)), index)
        for index, node in slots
        for number in range(POINTS)
    )
    points = [point for point, _ in ring]
    owners = [index for _, index in ring] + [ring[0][1]]  # behind the last point the ring begins anew
    return lambda key: owners[bisect_left(points, key_hash(key))]
