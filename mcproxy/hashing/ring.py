"""`ring`: consistent hashing on points keyed by the stable names of the nodes.

The ring is a table of 2^19 arcs, and a lookup is one MurmurHash3 of the key and one index into the table (0.12 µs;
bisecting a sorted list of as many points takes 0.3 to 0.5). Each node claims 12,288 arcs, pseudo-random ones
that depend on its name alone. An arc belongs to its best claim; an unclaimed one to the owner of the next claimed
arc, as on any ring. So a node that leaves gives up its own arcs and no others, a node that comes takes only what it
then owns, and neither the order of the list nor an address matters.

Better claims are earlier ones: a node's claims come in rounds, an earlier round beats a later one, and within a
round the nodes' order is drawn anew, or the nodes early in it would own too much. The shares of the arcs have a
standard deviation of about 1.1 % of even; 1,000 keys a node have 3.2 % of their own. Building takes about 30 ms for
3 nodes and 140 ms for 100.
"""

from array import array
from collections.abc import MutableSequence, Sequence
from struct import unpack

from mmh3 import hash_bytes, mmh3_32_uintdigest

from mcproxy.hashing.node import HashOptions
from mcproxy.hashing.selector import NamedSlots, Selector, by_name

# The ring is cut into sections of 2^16 arcs: a claim is 16 bits of a digest, and claims are spread evenly.
SECTIONS = 8
SECTION_ARCS = 1 << 16
ARCS = SECTIONS * SECTION_ARCS
ARC_SHIFT = 32 - 19  # of a 32-bit key hash the upper bits are the arc
ROUNDS = 48
CLAIMS_PER_ROUND = 32
CLAIMS = SECTIONS * ROUNDS * CLAIMS_PER_ROUND
CLAIMS_PER_DIGEST = 8
MAX_NODES = 0xFFFF

Claimant = tuple[int, Sequence[int]]
"""A node's number, from 1 so that 0 means nobody, and its claims within a section, the best first."""


@by_name
def ring(slots: NamedSlots, _options: HashOptions) -> Selector:
    """Config name ring. Weights are not looked at. ValueError above MAX_NODES slots."""
    owners = arc_owners([(index, node.name) for index, node in slots])
    return lambda key: owners[mmh3_32_uintdigest(key) >> ARC_SHIFT]


def arc_owners(names: Sequence[tuple[int, str]]) -> Sequence[int]:
    """The owner of each of the ARCS arcs, one of the (index, name) given; at least one, each name once."""
    last_index = max(index for index, _ in names)
    if last_index >= MAX_NODES:
        raise ValueError(f"ring hashes over at most {MAX_NODES} nodes, not {last_index + 1}")
    # By name: where a draw is equal, the order of the list must not decide it.
    by_rank = [(index + 1, claims_of(name)) for index, name in sorted(names, key=lambda named: named[1])]
    numbers: list[int] = []
    arcs: bytearray | array[int]
    for section in range(SECTIONS):
        first = section * ROUNDS * CLAIMS_PER_ROUND
        last = first + ROUNDS * CLAIMS_PER_ROUND
        arcs = bytearray(SECTION_ARCS) if last_index < 255 else array("H", bytes(2 * SECTION_ARCS))
        claim([(number, claims[first:last]) for number, claims in by_rank], arcs)
        numbers += arcs
    number = next(filter(None, numbers))  # behind the last claimed arc the ring goes on with the first
    owners = [(number := claimed or number) - 1 for claimed in reversed(numbers)][::-1]
    return bytes(owners) if last_index < 255 else array("H", owners)


def claim(claimants: Sequence[Claimant], arcs: MutableSequence[int]) -> None:
    """Write the claimants' numbers into a section, the best claims last so that they stay."""
    for first in range((ROUNDS - 1) * CLAIMS_PER_ROUND, -1, -CLAIMS_PER_ROUND):
        # The first claim of the round is the draw for the order within it.
        for number, claims in sorted(claimants, key=lambda claimant: claimant[1][first]):
            for arc in claims[first : first + CLAIMS_PER_ROUND]:
                arcs[arc] = number


def claims_of(name: str) -> tuple[int, ...]:
    """The claims of a name in all sections, SECTION_ARCS values each."""
    text = name.encode()  # mmh3 crashes on a str that UTF-8 cannot say
    digests = b"".join([hash_bytes(text, seed) for seed in range(CLAIMS // CLAIMS_PER_DIGEST)])
    return unpack(f"<{CLAIMS}H", digests)
