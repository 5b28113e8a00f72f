"""`jump_hash` and `ring_hash`: places keys as the proxy inside memcached does, by the names it has for them.

Both start from XXH3 (64 bits, without a seed) of the key. The ring has 160 points a server, four to an MD5 of
"address:port-number" with the port always there (its `omode = "ketama"`; the default mode of 1.6.42 never fills
its table), and no weights. With `key_hash` "md5" keys are hashed as its `dist_ring_hash.hash` does.
"""

from bisect import bisect_left
from collections.abc import Sequence

from xxhash import xxh3_64_intdigest

from mcproxy.hashing.jump import jump_hash
from mcproxy.hashing.ketama import POINTS_PER_DIGEST, ketama_points
from mcproxy.hashing.key_hashes import MASK, md5_word
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import NamedSlots, Selector, by_index, by_name

POINTS = 160


@by_index
def proxy_jump(nodes: Sequence[Node | None], _options: HashOptions) -> Selector:
    """Config name jump_hash."""
    n = len(nodes)
    return lambda key: jump_hash(xxh3_64_intdigest(key), n)


@by_name
def proxy_ring(slots: NamedSlots, options: HashOptions) -> Selector:
    """Config name ring_hash. ValueError for a key_hash other than md5."""
    if options.key_hash not in ("", "md5"):
        raise ValueError(f"ring_hash knows the key hash md5, not {options.key_hash!r}")
    ring = sorted(
        (point, index) for index, node in slots for point in ketama_points(node.name, POINTS // POINTS_PER_DIGEST)
    )
    points = [point for point, _ in ring]
    owners = [index for _, index in ring] + [ring[0][1]]
    if options.key_hash:
        return lambda key: owners[bisect_left(points, md5_word(key))]
    return lambda key: owners[bisect_left(points, xxh3_64_intdigest(key) & MASK)]
