"""The requests of a row, made before the clock runs, and how long each reply is."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, cycle, islice

from benchmarks.rows import Row

Ask = tuple[bytes, int]  # a request and the bytes of its reply

_ZIPF = 0.99
_SCATTER = 1_000_003  # a prime: popular keys are no neighbours in memory
_BYTES = 64 << 20  # of prepared requests at most
_PICKS = (100_000, 400_000)  # prepared requests at least and, of many keys, at most
_NEW_KEYS = 300_000


@dataclass(frozen=True)
class Workload:
    """Requests in the order they are sent, over and over; `sets` come between, one after so many of the others."""

    connections: int
    operations: int  # in one request
    asks: Sequence[Ask]
    sets: Sequence[Ask] = ()
    asks_per_set: int = 0
    short: int = 0  # a reply may be shorter by this: the miss of what would be a hit

    def turn(self) -> Iterator[Ask]:
        """What is sent, without end."""
        return _interleaved(cycle(self.asks), cycle(self.sets), self.asks_per_set) if self.sets else cycle(self.asks)


def key(number: int) -> bytes:
    """A 12-byte key."""
    return b"key:%08d" % number


def set_request(number: int, size: int, ttl: int = 0) -> bytes:
    """A classic set of a value of so many bytes."""
    return b"set %b 0 %d %d\r\n%b\r\n" % (key(number), ttl, size, b"y" * size)


def workload(row: Row) -> Workload:
    """The same keys in the same order every time."""
    return KINDS[row.ask](row, random.Random(7))


def _interleaved(asks: Iterator[Ask], sets: Iterator[Ask], each: int) -> Iterator[Ask]:
    while True:
        yield from islice(asks, each)
        yield next(sets)


def _count(row: Row, size: int) -> int:
    """How many operations are prepared."""
    least, most = _PICKS
    return max(row.depth, min(max(least, min(row.keys, most)), _BYTES // (size + 60)))


def _uniform(row: Row, rng: random.Random, size: int = 0) -> list[int]:
    return [rng.randrange(row.keys) for _ in range(_count(row, size))]


def _zipf(row: Row, rng: random.Random, size: int = 0) -> list[int]:
    weights = list(accumulate(rank**-_ZIPF for rank in range(1, row.keys + 1)))
    ranks = rng.choices(range(row.keys), cum_weights=weights, k=_count(row, size))
    return [rank * _SCATTER % row.keys for rank in ranks]


def _hit(row: Row) -> int:
    return len(b"VALUE %b 0 %d\r\n\r\n" % (key(0), row.value)) + row.value


def _written(numbers: list[int], depth: int, request: Callable[[int], bytes], reply: int) -> list[Ask]:
    """One request of each number, so many in one write."""
    batches = (numbers[at : at + depth] for at in range(0, len(numbers) - depth + 1, depth))
    return [(b"".join(map(request, batch)), reply * depth) for batch in batches]


def _get_request(number: int) -> bytes:
    return b"get %b\r\n" % key(number)


def _plain(row: Row, asks: list[Ask]) -> Workload:
    return Workload(row.connections, row.depth, asks)


def _gets(row: Row, numbers: list[int]) -> list[Ask]:
    return _written(numbers, row.depth, _get_request, _hit(row) + 5)


def _sets(row: Row, numbers: list[int], ttl: int = 0) -> list[Ask]:
    return _written(numbers, row.depth, lambda number: set_request(number, row.value, ttl), len(b"STORED\r\n"))


def _get(row: Row, rng: random.Random) -> Workload:
    return _plain(row, _gets(row, _uniform(row, rng)))


def _set(row: Row, rng: random.Random) -> Workload:
    return _plain(row, _sets(row, _uniform(row, rng, row.value)))


def _miss(row: Row, rng: random.Random) -> Workload:
    return _plain(row, _written(_uniform(row, rng), row.depth, lambda number: b"get no:%09d\r\n" % number, 5))


def _multiget(row: Row, rng: random.Random) -> Workload:
    numbers = _uniform(row, rng)
    batches = [numbers[at : at + row.depth] for at in range(0, len(numbers) - row.depth + 1, row.depth)]
    reply = row.depth * _hit(row) + 5
    return _plain(row, [(b"get %b\r\n" % b" ".join(map(key, batch)), reply) for batch in batches])


def _mg(row: Row, rng: random.Random) -> Workload:
    reply = len(b"VA %d\r\n\r\n" % row.value) + row.value
    return _plain(row, _written(_uniform(row, rng), row.depth, lambda number: b"mg %b v\r\n" % key(number), reply))


def _ms(row: Row, rng: random.Random) -> Workload:
    def request(number: int) -> bytes:
        return b"ms %b %d\r\n%b\r\n" % (key(number), row.value, b"y" * row.value)

    return _plain(row, _written(_uniform(row, rng, row.value), row.depth, request, len(b"HD\r\n")))


def _mix(row: Row, rng: random.Random) -> Workload:
    gets, sets = _gets(row, _zipf(row, rng)), _sets(row, _zipf(row, rng, row.value))
    return Workload(row.connections, row.depth, gets, sets, 10)


def _fill(row: Row, rng: random.Random) -> Workload:
    """Every key in turn: of more than the cache holds, none is there any more when its turn comes again."""
    return _plain(row, _sets(row, list(range(row.keys))))


def _churn(row: Row, rng: random.Random) -> Workload:
    """Ten gets, some of which miss, and one set of a key that was never there."""
    new = range(row.keys, row.keys + _NEW_KEYS)
    return Workload(row.connections, 1, _gets(row, _uniform(row, rng)), _sets(row, list(new)), 10, _hit(row))


def _ttl(row: Row, rng: random.Random) -> Workload:
    """A get and a set in turn; what is stored expires after a second, so gets hit or miss."""
    gets, sets = _gets(row, _uniform(row, rng)), _sets(row, _uniform(row, rng, row.value), 1)
    return Workload(row.connections, 1, gets, sets, 1, _hit(row))


KINDS: dict[str, Callable[[Row, random.Random], Workload]] = {
    "get": _get,
    "set": _set,
    "miss": _miss,
    "multiget": _multiget,
    "mg": _mg,
    "ms": _ms,
    "mix": _mix,
    "fill": _fill,
    "churn": _churn,
    "ttl": _ttl,
}
