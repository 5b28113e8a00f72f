from hashlib import md5

import pytest
from xxhash import xxh3_64_intdigest

from mcproxy.hashing import Node
from mcproxy.hashing.jump import jump_hash
from tests.mcproxy.hashing.choosing import counts, numbered, pods, select_by

SERVERS = [Node("10.0.0.1:11211"), Node("10.0.0.2:11211"), Node("10.0.0.3:11300")]


def test_the_key_hash_is_xxh3() -> None:
    # the vector of the empty input that xxHash publishes
    assert xxh3_64_intdigest(b"") == 0x2D06800538D394C2


def test_jump_hash_jumps_from_xxh3() -> None:
    select = select_by("jump_hash", 7)
    for key in numbered(b"k%d", 200):
        assert select(key) == jump_hash(xxh3_64_intdigest(key), 7)


def brute_force(key_hash: int) -> int:
    """The owner of the first point at or after the hash, over all points one by one."""
    points = []
    for index, node in enumerate(SERVERS):
        for number in range(40):
            digest = md5(f"{node.name}-{number}".encode(), usedforsecurity=False).digest()
            points += [(int.from_bytes(digest[at : at + 4], "little"), index) for at in range(0, 16, 4)]
    points.sort()
    return next((owner for point, owner in points if point >= key_hash), points[0][1])


def test_ring_hash_keeps_the_default_port_in_its_points() -> None:
    select = select_by("ring_hash", SERVERS)
    for key in numbered(b"k%d", 300):
        assert select(key) == brute_force(xxh3_64_intdigest(key) & 0xFFFFFFFF)


def test_ring_hash_with_its_own_key_hash() -> None:
    select = select_by("ring_hash", SERVERS, key_hash="md5")
    for key in numbered(b"k%d", 300):
        assert select(key) == brute_force(int.from_bytes(md5(key, usedforsecurity=False).digest()[:4], "little"))


@pytest.mark.parametrize("name", ["jump_hash", "ring_hash"])
def test_shares_are_roughly_even(name: str) -> None:
    shares = counts(select_by(name, 4), 4, numbered(b"key:%d", 4000))
    assert min(shares) > 700


def test_other_key_hashes_are_refused() -> None:
    with pytest.raises(ValueError, match="knows the key hash md5"):
        select_by("ring_hash", pods(3), key_hash="crc32")
