"""Seeded streams of requests for the hit ratios: which keys are asked for, their items' sizes and times to live.

Every trace asks for three to ten times as much as the memory holds. The same name, length and memory always make the
same requests.
"""

import math
import random
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate, repeat
from typing import NamedTuple

BATCH = 100
_OVERHEAD = 80  # bytes of an item beside its value, about
_MIXED = (200, 4000)  # bytes of a value
_SHIFT = 0.004  # of the keys, that each turn of a shifting popularity makes cold
_TTLS = (0, 0, 5, 15, 40)  # seconds, each for its share of the keys; 0: for ever
_STEP = 10**0.25  # between the value sizes of a shift
_SIZES = [int(100 * _STEP**n) for n in range(9)]  # 100 B to 10 KB


class Asked(NamedTuple):
    """A request: the key, and what is stored when it misses."""

    key: bytes
    size: int  # bytes of the value
    ttl: int = 0


Batch = list[Asked]
Batches = Iterator[Batch]


class Trace(NamedTuple):
    """`make(seeded rng, number of batches, bytes of memory)` gives the batches; `rate` is in requests a second."""

    name: str
    make: Callable[[random.Random, int, int], Batches]
    rate: int = 20_000


class Population:
    """Keys of one prefix, their sizes log-uniform between two bounds, their popularity Zipf's by their numbers."""

    def __init__(self, prefix: bytes, memory: float, exponent: float, sizes: tuple[int, int] = _MIXED) -> None:
        low, high = sizes
        self._prefix = prefix
        self._sizes = [int(low * (high / low) ** (n / 1008)) for n in range(1009)]
        random.Random(prefix).shuffle(self._sizes)
        self.count = int(memory / (sum(self._sizes) / len(self._sizes) + _OVERHEAD))
        self._numbers = range(self.count)
        self._weights = _weights(self.count, exponent)

    def pick(self, rng: random.Random, amount: int, shift: int = 0, ttls: tuple[int, ...] = (0,)) -> Batch:
        """Asked for by popularity, the most popular being number `shift`."""
        numbers = rng.choices(self._numbers, cum_weights=self._weights, k=amount)
        return [self.item((number + shift) % self.count, ttls) for number in numbers]

    def item(self, number: int, ttls: tuple[int, ...] = (0,)) -> Asked:
        """The item of this number; its time to live is that of its place in `ttls`."""
        return Asked(b"%b-%d" % (self._prefix, number), self._sizes[number % 1009], ttls[number % len(ttls)])


@cache
def _weights(count: int, exponent: float) -> list[float]:
    return list(accumulate(map(pow, range(1, count + 1), repeat(-exponent))))


def _zipf(exponent: float) -> Callable[[random.Random, int, int], Batches]:
    def make(rng: random.Random, batches: int, memory: int) -> Batches:
        population = Population(b"zipf", 5 * memory, exponent)
        return (population.pick(rng, BATCH) for _ in range(batches))

    return make


def _scans(rng: random.Random, batches: int, memory: int) -> Batches:
    """One batch of four belongs to a scan: somebody reads all keys in order, those of a memory's size at a time."""
    population, at = Population(b"scan", 5 * memory, 0.99), 0
    run = population.count // 5 // BATCH
    for number in range(batches):
        if number // run % 4 == 3:
            yield [population.item((at + n) % population.count) for n in range(BATCH)]
            at += BATCH
        else:
            yield population.pick(rng, BATCH)


def _shifting_popularity(rng: random.Random, batches: int, memory: int) -> Batches:
    """Every few thousand requests the hottest keys become the coldest and all others move up."""
    population = Population(b"turn", 5 * memory, 0.99)
    step, turn = int(population.count * _SHIFT), max(1, batches // 100)
    return (population.pick(rng, BATCH, number // turn * step) for number in range(batches))


def _shifting_sizes(rng: random.Random, batches: int, memory: int) -> Batches:
    """Values grow from 100 bytes to 10 KB: at any time two neighbouring sizes are asked for."""
    groups = [Population(b"size%d" % size, 3 * memory, 0.99, (size, int(size * _STEP))) for size in _SIZES]
    for number in range(batches):
        at = number / batches * (len(groups) - 1)
        lower = int(at)
        large = sum(rng.random() < at - lower for _ in range(BATCH))
        batch = groups[lower].pick(rng, BATCH - large) + groups[math.ceil(at)].pick(rng, large)
        rng.shuffle(batch)
        yield batch


def _times_to_live(rng: random.Random, batches: int, memory: int) -> Batches:
    population = Population(b"live", 5 * memory, 0.99)
    return (population.pick(rng, BATCH, ttls=_TTLS) for _ in range(batches))


TRACES = (
    Trace("Zipf 0.8", _zipf(0.8)),
    Trace("Zipf 0.99", _zipf(0.99)),
    Trace("Zipf 1.2", _zipf(1.2)),
    Trace("Zipf 0.99 with scans", _scans),
    Trace("shifting popularity", _shifting_popularity),
    Trace("shifting sizes", _shifting_sizes, 10_000),  # slower: either server moves one page a second at most
    Trace("times to live", _times_to_live),
)


def batches_of(trace: Trace, requests: int, memory: int) -> Batches:
    """The trace's requests, by hundreds."""
    return trace.make(random.Random(trace.name), requests // BATCH, memory)
