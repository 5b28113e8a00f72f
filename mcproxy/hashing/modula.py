"""`modula`: the plain modulo of twemproxy and libmemcached. A change of the number of slots moves nearly every key.

Slots are numbered in the order of the list, as in libmemcached. twemproxy numbers its servers by the length of their
names first, then by the names, whatever its file says: list them in that order to place keys where it does.
"""

from collections.abc import Sequence

from mcproxy.hashing.key_hashes import key_hash_named
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import Selector, by_index, weight_of

SLOTS_MAX = 1 << 20


@by_index
def modula(nodes: Sequence[Node | None], options: HashOptions) -> Selector:
    """Config name modula: the key hash modulo the slots, each repeated by its weight, a whole number.

    ValueError for other weights, and above SLOTS_MAX in all.
    """
    key_hash = key_hash_named(options.key_hash)
    slots: list[int] = []
    for index, node in enumerate(nodes):
        weight = weight_of(index, node, options)
        if weight < 1 or weight != int(weight):
            raise ValueError(f"modula takes whole weights from 1 up, not {weight}")
        if len(slots) + weight > SLOTS_MAX:
            raise ValueError(f"modula takes weights of {SLOTS_MAX} in all")
        slots += [index] * int(weight)
    n = len(slots)
    return lambda key: slots[key_hash(key) % n]
