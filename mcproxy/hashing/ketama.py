"""`ketama`: the ring of weighted MD5 points that twemproxy and libmemcached (KETAMA_WEIGHTED) build.

A server has 160 points per unit of fair share, four to an MD5 of "name-number"; a key belongs to the first
point at or after its hash. twemproxy hashes keys by fnv1a_64 unless configured otherwise, libmemcached by
md5: `key_hash`.
"""

from bisect import bisect_left
from hashlib import md5
from math import floor
from struct import pack, unpack

from mcproxy.hashing.key_hashes import KeyHash, key_hash_named
from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import NamedSlots, Selector, by_name, weight_of

POINTS_PER_SHARE = 160
POINTS_PER_DIGEST = 4
WEIGHTS_MAX = 1e38  # what C's float can say


@by_name
def ketama(slots: NamedSlots, options: HashOptions) -> Selector:
    """Config name ketama. Weights are positive; ValueError for others or for an unknown key_hash."""
    return ketama_ring(slots, options, key_hash_named(options.key_hash))


def ketama_ring(slots: NamedSlots, options: HashOptions, key_hash: KeyHash) -> Selector:
    """The weighted ring, for keys that are hashed by `key_hash`. ValueError for weights that are none."""
    weights = [weight_of(index, node, options) for index, node in slots]
    total = sum(weights)
    if total > WEIGHTS_MAX:
        raise ValueError(f"ketama takes weights of {WEIGHTS_MAX:.0e} in all")
    if float32(min(weights)) <= 0:
        raise ValueError("ketama takes weights above zero")
    ring = sorted(
        (point, index)
        for (index, node), weight in zip(slots, weights, strict=True)
        for point in ketama_points(point_name(node), digest_count(weight, total, len(slots)))
    )
    points = [point for point, _ in ring]
    # The entry behind the last point wraps round to the first one.
    owners = [index for _, index in ring] + [ring[0][1]]
    return lambda key: owners[bisect_left(points, key_hash(key))]


def point_name(node: Node) -> str:
    """The name in a server's points: its own, or host:port with memcached's default port left out."""
    return node.name.removesuffix(":11211")


def digest_count(weight: float, total: float, servers: int) -> int:
    """MD5 digests of one server. In C's floats at every step: rounding decides over four points."""
    share = float32(float32(float32(float32(weight) / float32(total)) * POINTS_PER_SHARE) / POINTS_PER_DIGEST)
    return floor(float32(float32(share * servers) + 1e-10))


def ketama_points(name: str, digests: int) -> list[int]:
    """The 32-bit points of a server, four little-endian words of each digest."""
    labels = [f"{name}-{number}".encode() for number in range(digests)]
    text = b"".join(md5(label, usedforsecurity=False).digest() for label in labels)
    return list(unpack(f"<{POINTS_PER_DIGEST * digests}I", text))


def float32(number: float) -> float:
    """Rounded to single precision."""
    (rounded,) = unpack("f", pack("f", number))
    return float(rounded)
