"""mcrouter's Rendezvous and WeightedRendezvous: every tag draws a score for the key, the highest score wins.

Scores are compared as doubles, as there: 64-bit values that round to the same double are equal, and of
equal scores the later node wins. Every node adds 0.5 to 1 µs to the cost of a key.
"""

from math import inf, log

from mcproxy.hashing.murmur64 import MASK, murmur64a
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import NamedSlots, Selector, by_name, weight_of

KEY_SEED = 2718281828
TAG_SEED = 4193360111
MIX = 0x9DDFEA08EB382D69
UNIT = 1 << 53


@by_name
def rendezvous(slots: NamedSlots, _options: HashOptions) -> Selector:
    """Config name Rendezvous. ValueError for a node without a tag."""
    tagged = [(index, tag_hash(node)) for index, node in slots]

    def select(key: bytes) -> int:
        key_hash = murmur64a(key, KEY_SEED)
        best, winner = -1.0, -1
        for index, tag in tagged:
            score = float(mix(key_hash, tag))
            if score >= best:
                best, winner = score, index
        return winner

    return select


@by_name
def weighted_rendezvous(slots: NamedSlots, options: HashOptions) -> Selector:
    """Config name WeightedRendezvous: shares in proportion to the weights. ValueError without a tag."""
    tagged = [(index, tag_hash(node), weight_of(index, node, options)) for index, node in slots]

    def select(key: bytes) -> int:
        key_hash = murmur64a(key, KEY_SEED)
        best, winner = -1.0, -1
        for index, tag, weight in tagged:
            score = weighted_score(mix(key_hash, tag), weight)
            if score >= best:
                best, winner = score, index
        return winner

    return select


def tag_hash(node: Node) -> int:
    """What a node contributes to each of its scores."""
    if not node.tag:
        raise ValueError(f"Rendezvous needs a tag for every node; {node.name!r} has none")
    return murmur64a(node.tag.encode(), TAG_SEED)


def mix(key_hash: int, tag: int) -> int:
    """Two 64-bit hashes into one."""
    a = (key_hash ^ tag) * MIX & MASK
    b = (tag ^ a ^ a >> 47) * MIX & MASK
    return (b ^ b >> 47) * MIX & MASK


def weighted_score(drawn: int, weight: float) -> float:
    """weight / -ln(u), u being the low 53 bits of the drawn number as a fraction."""
    fraction = (drawn & UNIT - 1) / UNIT
    if weight <= 0 or fraction <= 0:
        return 0.0
    return weight / -log(fraction) if fraction < 1 else inf
