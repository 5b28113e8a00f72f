"""The bounded cache: same answers, bounded size, the recent keys kept."""

import random

import pytest

from mcproxy.hashing import cached
from tests.mcproxy.hashing.choosing import numbered, select_by


class CountingSelector:
    def __init__(self) -> None:
        self.calls = 0
        self.select = select_by("Ch3", 7)

    def __call__(self, key: bytes) -> int:
        self.calls += 1
        return self.select(key)


@pytest.mark.parametrize("limit", [0, 1, 2, 10, 1000])
def test_same_answers(limit: int) -> None:
    rng = random.Random(limit)
    plain, remembering = select_by("Ch3", 7), cached(select_by("Ch3", 7), limit)
    for key in rng.choices(numbered(b"k%d", 200), k=2000):
        assert remembering(key) == plain(key)


def test_a_known_key_is_not_hashed_again() -> None:
    counting = CountingSelector()
    select = cached(counting, 100)
    for _ in range(5):
        for key in numbered(b"k%d", 50):
            select(key)
    assert counting.calls == 50


@pytest.mark.parametrize("limit", [2, 10, 100])
def test_no_more_keys_are_held_than_the_limit(limit: int) -> None:
    keys = numbered(b"k%d", 1000)
    counting = CountingSelector()
    select = cached(counting, limit)
    for key in keys:
        select(key)
    counting.calls = 0
    for key in reversed(keys):  # a key found without hashing was held; each is asked for once
        select(key)
    assert 1000 - limit <= counting.calls < 1000


def test_keys_in_use_outlive_a_stream_of_others() -> None:
    counting = CountingSelector()
    select = cached(counting, 100)
    for number, key in enumerate(numbered(b"once:%d", 1000)):
        select(key)
        select(b"hot:%d" % (number % 10))
    assert counting.calls == 1010
