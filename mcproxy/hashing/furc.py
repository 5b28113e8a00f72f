"""Ch3: mcrouter's default, also called furc_hash.

A key is the seed of an endless stream of pseudo-random bits: MurmurHash64A of the key, then of the word
before, and so on. The stream walks down a binary tree whose leaves are numbered 0 to 2^depth - 1:

    depth = d = bits of (n - 1), position = d
    1. while the bit at the position is 0: d -= 1, position = d; at d = 0 the answer is 0
    2. read d - 1 bits, 23 apart; behind a leading 1 they are the leaf
    3. a leaf below n is the answer; else on from here, at most 32 times

so that n -> n + 1 moves one key in n + 1, all of them to the new slot. Two shortcuts replace the loops over
bits: the highest set bit among the lowest d ones answers step 1, and step 2 masks the bits out and gathers
them by one modulo: 2^24 = 1 (mod 2^24 - 1), hence 2^(23 i) = 2^-i, and bits that lie 23 apart land next to
each other, the first highest.
"""

from collections.abc import Sequence

from mcproxy.hashing.murmur64 import murmur64a, murmur64a_word
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import Selector, by_index

SEED = 4193360111
MAX_NODES = 1 << 23
ATTEMPTS = 32
STRIDE = 23
GATHER = (1 << 24) - 1

_EVERY_23RD = [sum(1 << STRIDE * bit for bit in range(count)) for count in range(STRIDE)]


def furc_hash(key: bytes, n: int) -> int:
    """The slot of a key among n, 0 <= n <= MAX_NODES."""
    if n <= 1:
        return 0
    depth = position = (n - 1).bit_length()
    word = stream = murmur64a(key, SEED)
    known = 64
    for _ in range(ATTEMPTS):
        if not stream >> position & 1:
            lower = stream & (1 << depth) - 2
            if not lower:
                return 0
            depth = position = lower.bit_length() - 1
        if depth == 1:
            return 1
        count = depth - 1
        first = position + STRIDE
        position = first + STRIDE * count
        while known <= position - STRIDE:
            word = murmur64a_word(word, SEED)
            stream |= word << known
            known += 64
        leaf = 1 << count | ((stream >> first & _EVERY_23RD[count]) << count - 1) % GATHER
        if leaf < n:
            return leaf
        if known <= position:
            word = murmur64a_word(word, SEED)
            stream |= word << known
            known += 64
    return 0


@by_index
def ch3(nodes: Sequence[Node | None], _options: HashOptions) -> Selector:
    """Config name Ch3. ValueError above MAX_NODES."""
    n = len(nodes)
    if n > MAX_NODES:
        raise ValueError(f"Ch3 hashes over at most {MAX_NODES} nodes, not {n}")
    return lambda key: furc_hash(key, n)
