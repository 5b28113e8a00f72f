"""WeightedCh3: a slot accepts its keys of Ch3 with the probability of its weight, the rest is salted, retried."""

from collections.abc import Sequence

from mcproxy.hashing.furc import MAX_NODES, furc_hash
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import Selector, by_index, weight_of
from mcproxy.hashing.spooky import spooky_hash32

SEED = 0xFACE2014
FULL = 0xFFFFFFFF

# What follows the key in attempt 0, 1, 2...: nothing, then a counter's decimal digits with the lowest first.
_SALTS = [b"", *(str(attempt)[::-1].encode() for attempt in range(31))]


@by_index
def weighted_ch3(nodes: Sequence[Node | None], options: HashOptions) -> Selector:
    """Config name WeightedCh3. ValueError for a weight outside 0 to 1."""
    n = len(nodes)
    if n > MAX_NODES:
        raise ValueError(f"WeightedCh3 hashes over at most {MAX_NODES} nodes, not {n}")
    weights = [weight_of(index, node, options) for index, node in enumerate(nodes)]
    for weight in weights:
        if not 0.0 <= weight <= 1.0:
            raise ValueError(f"WeightedCh3 takes weights from 0 to 1, not {weight}")
    thresholds = [int(weight * FULL) for weight in weights]

    def select(key: bytes) -> int:
        slot = 0
        for salt in _SALTS:
            attempt = key + salt
            slot = furc_hash(attempt, n)
            if spooky_hash32(attempt, SEED) < thresholds[slot]:
                break
        return slot

    return select
