"""`jump`: jump consistent hashing (Lamping and Veach) of a 64-bit key hash: the first word of mmh3's x64
128-bit hash.

Even to within the noise of the keys, no table, and n -> n + 1 moves one key in n + 1. memcached's built-in
proxy jumps by the same rule but from another key hash: memcached_proxy.py.
"""

from collections.abc import Sequence

from mmh3 import mmh3_x64_128_utupledigest

from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import Selector, by_index

MULTIPLIER = 2862933555777941757
MASK = 0xFFFFFFFFFFFFFFFF
TWO_31 = float(1 << 31)


def jump_hash(key_hash: int, n: int) -> int:
    """The slot among n >= 1 of an unsigned 64-bit key hash."""
    slot, target = 0, 0
    while target < n:
        slot = target
        key_hash = (key_hash * MULTIPLIER + 1) & MASK
        target = int((slot + 1) * (TWO_31 / ((key_hash >> 33) + 1)))
    return slot


@by_index
def jump(nodes: Sequence[Node | None], _options: HashOptions) -> Selector:
    """Config name jump."""
    n = len(nodes)
    return lambda key: jump_hash(mmh3_x64_128_utupledigest(key)[0], n)
