"""MurmurHash64A; the vectors of Ch3 and Rendezvous pin its values."""

import pytest

from mcproxy.hashing.murmur64 import murmur64a, murmur64a_word


@pytest.mark.parametrize("word", [0, 1, 0x0123456789ABCDEF, 2**64 - 1])
def test_word_is_its_eight_bytes(word: int) -> None:
    assert murmur64a_word(word, 4193360111) == murmur64a(word.to_bytes(8, "little"), 4193360111)


def test_every_length_counts() -> None:
    assert len({murmur64a(bytes(length), 0) for length in range(1, 700)}) == 699


def test_range() -> None:
    assert all(0 <= murmur64a(b"x" * length, 2**32 - 1) < 2**64 for length in range(300))
