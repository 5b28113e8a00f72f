"""How long requests take, by what is known anyway: each server's mean latency, its replies, and CPU time.

A request on its way is never timed for this. Sums grow by a server's latency for each reply it has given since the
last look, so the mean over servers is as the replies are: three in four from the slow one count three times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from mcproxy.outcome import FIRST_ERROR, Result

_GETS = (Result.FOUND, Result.NOTFOUND)
_UPDATES = (Result.STORED, Result.NOTSTORED, Result.EXISTS)

# name of a mean -> (sum of microseconds, number of what they are a mean over)
MEANS = {
    "duration_us": ("server_us", "server_replies"),
    "duration_get_us": ("server_get_us", "server_gets"),
    "duration_update_us": ("server_update_us", "server_updates"),
}
SUMS = (*(name for pair in MEANS.values() for name in pair), "cpu_us")


class Server(Protocol):
    """See upstream.destination.Destination."""

    results: list[int]
    latency_s: float


class _Replies(NamedTuple):
    all: int
    gets: int
    updates: int

    @classmethod
    def of(cls, results: Sequence[int]) -> _Replies:
        gets, updates = sum(results[r] for r in _GETS), sum(results[r] for r in _UPDATES)
        return cls(sum(results[:FIRST_ERROR]), gets, updates)


_NONE = _Replies(0, 0, 0)


class Durations:
    """One worker's sums, by the names of SUMS. A miss of a delete counts as a get's: results do not tell them apart."""

    def __init__(self, cpu_ns: Callable[[], int] = time.process_time_ns) -> None:
        self._cpu_ns = cpu_ns
        self._cpu_at_start = cpu_ns()  # what it took to start is no request's
        self._seen: dict[Server, _Replies] = {}
        self._sums = dict.fromkeys(SUMS, 0)

    def sums(self, servers: Iterable[Server]) -> dict[str, int]:
        """Brought up to date."""
        seen = {server: _Replies.of(server.results) for server in servers}
        sums = self._sums
        for server, replies in seen.items():
            before = self._seen.get(server, _NONE)
            for (us, count), now, then in zip(MEANS.values(), replies, before, strict=True):
                sums[us] += round((now - then) * server.latency_s * 1e6)
                sums[count] += now - then
        self._seen = seen
        sums["cpu_us"] = (self._cpu_ns() - self._cpu_at_start) // 1000
        return sums
