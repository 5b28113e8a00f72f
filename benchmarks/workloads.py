"""What is asked of a server or proxy: the requests of each row, and how long each reply is."""

import random
from dataclasses import dataclass

KEYS = 100_000
_PIPELINE = 50
_MULTIGET = 100
_PICKS = 20_000


@dataclass(frozen=True)
class Workload:
    """A row: `connections` each send one of `requests`, wait for its whole reply, and send the next."""

    name: str
    connections: int
    requests: list[bytes]
    replies: list[int]  # bytes of each request's reply
    operations: int  # in one request
    keys: int = KEYS  # stored before
    value_size: int = 100


def key(number: int) -> bytes:
    """A 12-byte key."""
    return b"key:%08d" % number


def _get(number: int) -> bytes:
    return b"get %b\r\n" % key(number)


def _set(number: int) -> bytes:
    return b"set %b 0 0 100\r\n%b\r\n" % (key(number), b"y" * 100)


def workloads() -> list[Workload]:
    """All rows; the same keys in the same order every time."""
    rng = random.Random(7)
    picks = [rng.randrange(KEYS) for _ in range(_PICKS)]
    batches = [picks[i : i + _PIPELINE] for i in range(0, _PICKS, _PIPELINE)]
    groups = [picks[i : i + _MULTIGET] for i in range(0, _PICKS, _MULTIGET)]
    hit = len(b"VALUE key:00000000 0 100\r\n") + 102
    large = len(b"VALUE key:00000000 0 100000\r\n") + 100_002 + 5
    gets = [b"".join(map(_get, batch)) for batch in batches]
    sets = [b"".join(map(_set, batch)) for batch in batches]
    multigets = [b"get " + b" ".join(map(key, group)) + b"\r\n" for group in groups]
    misses = [b"get no:%08d\r\n" % pick for pick in picks]
    return [
        Workload("get", 50, [_get(pick) for pick in picks], [hit + 5] * _PICKS, 1),
        Workload("set", 50, [_set(pick) for pick in picks], [8] * _PICKS, 1),
        Workload("miss", 50, misses, [5] * _PICKS, 1),
        Workload("get pipelined", 4, gets, [_PIPELINE * (hit + 5)] * len(gets), _PIPELINE),
        Workload("set pipelined", 4, sets, [_PIPELINE * 8] * len(sets), _PIPELINE),
        Workload("get 100 keys", 4, multigets, [_MULTIGET * hit + 5] * len(multigets), _MULTIGET),
        Workload("get 100 KB", 4, [_get(pick % 500) for pick in picks[:500]], [large] * 500, 1, 500, 100_000),
    ]
