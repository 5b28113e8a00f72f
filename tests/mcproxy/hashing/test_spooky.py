"""SpookyHash V2 against its author's table and mcrouter's fractions of keys."""

import pytest

from mcproxy.hashing.spooky import spooky_hash32
from tests.mcproxy.hashing.choosing import numbered

BUFFER = bytes((index + 128) % 256 for index in range(512))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, 0x6BF50919),
        (1, 0x70DE1D26),
        (2, 0xA2B37298),
        (4, 0x8223B279),
        (16, 0xF274736C),
        (32, 0xE5CFC8B6),
        (511, 0xCC1C8250),
    ],
)
def test_vector(length: int, expected: int) -> None:
    assert spooky_hash32(BUFFER[:length]) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.1, [5, 7, 13, 33, 43, 46, 58, 71, 83, 85, 89, 91, 93]),
        (0.4, 0.5, [9, 10, 20, 26, 32, 34, 42, 47, 54, 63, 64, 98]),
    ],
)
def test_fraction_of_keys(low: float, high: float, expected: list[int]) -> None:
    full = 0xFFFFFFFF
    inside = [
        number
        for number, key in enumerate(numbered(b"f%d", 100))
        if int(low * full) <= spooky_hash32(key) <= int(high * full)
    ]
    assert inside == expected


def test_every_length_and_seed_makes_another_value() -> None:
    values = {spooky_hash32(BUFFER[:length], seed) for length in range(300) for seed in (0, 1)}
    assert len(values) == 600
