"""Feeds a parser the same bytes whole, one by one, and cut at random places."""

import itertools
import random
from collections.abc import Callable, Iterator


def cuts(data: bytes, seed: int = 1, random_ways: int = 20) -> Iterator[list[bytes]]:
    """The ways: whole, byte by byte, then `random_ways` random segmentations."""
    yield [data]
    yield [data[i : i + 1] for i in range(len(data))]
    rng = random.Random(seed)
    for _ in range(random_ways):
        places = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 8)))
        bounds = [0, *places, len(data)]
        yield [data[a:b] for a, b in itertools.pairwise(bounds) if b > a]


def feed_all_ways(play: Callable[[list[bytes]], object], data: bytes, expected: object) -> None:
    """`play(segments)` must give `expected` for every way of cutting `data`."""
    for segments in cuts(data):
        assert play(segments) == expected, [len(s) for s in segments]
