"""ConstShard: the key itself names its slot, as in `text:SLOT:rest`."""

from collections.abc import Sequence

from mcproxy.hashing.furc import ch3
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import Selector, by_index


@by_index
def const_shard(nodes: Sequence[Node | None], _options: HashOptions) -> Selector:
    """Config name ConstShard: the integer between the first two colons if it is a slot, else Ch3."""
    n = len(nodes)
    otherwise = ch3(nodes, HashOptions())

    def select(key: bytes) -> int:
        parts = key.split(b":", 2)
        if len(parts) == 3 and parts[1].isdigit() and (slot := int(parts[1])) < n:
            return slot
        return otherwise(key)

    return select
