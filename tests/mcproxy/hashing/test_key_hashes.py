"""The key hashes: twemproxy's vectors for its twelve, and what its C accidents mean for unusual bytes."""

import pytest

from mcproxy.hashing.key_hashes import KEY_HASHES, key_hash_named

APPLE = {
    "one_at_a_time": 2297466611,
    "md5": 3195025439,
    "crc16": 3662830516,
    "crc32": 10542,
    "crc32a": 2838417488,
    "fnv1_32": 67176023,
    "fnv1a_32": 280767167,
    "fnv1_64": 473199127,
    "fnv1a_64": 1488911807,
    "hsieh": 3738850110,
    "jenkins": 1442444624,
    "murmur": 4142305122,
    "murmur3": 1120212521,
}


def test_all() -> None:
    assert set(KEY_HASHES) == set(APPLE)


@pytest.mark.parametrize("name", sorted(APPLE))
def test_vector(name: str) -> None:
    assert KEY_HASHES[name](b"apple") == APPLE[name]


@pytest.mark.parametrize("name", sorted(APPLE))
def test_32_bits_for_keys_of_every_length(name: str) -> None:
    for length in range(251):
        for filler in (b"k", b"\x80", b"\xff"):
            assert 0 <= KEY_HASHES[name](filler * length) < 2**32


def test_default_and_unknown_names() -> None:
    assert key_hash_named("") is KEY_HASHES["fnv1a_64"]
    assert key_hash_named("md5") is KEY_HASHES["md5"]
    with pytest.raises(ValueError, match="unknown key hash 'sha1'; known are crc16, crc32"):
        key_hash_named("sha1")
