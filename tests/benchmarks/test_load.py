"""The closed loop against a real server: rounds give samples, and a reply of another length ends the run."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from benchmarks.load import Clients, ClosedLoop, Sample, preload, quantile, stat
from benchmarks.measure import Started
from benchmarks.rows import Row
from benchmarks.workloads import workload

ROW = Row(name="get", ask="get", connections=3, keys=100)


def test_a_round_counts_what_the_server_counts(memcached: Started) -> None:
    _, pid, port = memcached
    preload(port, 100, 100)
    with Clients(port, 3) as clients:
        loop = ClosedLoop(clients, pid, workload(ROW))
        samples = [loop.round(0.05, 0.0) for _ in range(2)]
    sent = sum(sample.per_s for sample in samples) * 0.05  # at least, a round may be longer
    assert 0 < sent <= stat(port, b"get_hits")
    assert stat(port, b"get_misses") == 0
    for sample in samples:
        assert all(value > 0 for value in astuple(replace(sample, server_waited=1)))
        assert sample.p50_us <= sample.p99_us <= sample.p999_us


def test_misses_are_answers_where_the_row_says_so(memcached: Started) -> None:
    _, pid, port = memcached
    with Clients(port, 2) as clients:
        sample = ClosedLoop(clients, pid, workload(replace(ROW, ask="ttl", keys=9_000))).round(0.05, 0.0)
    assert isinstance(sample, Sample)
    assert stat(port, b"get_misses") > 0 < stat(port, b"cmd_set")


def test_a_longer_reply_ends_the_run(memcached: Started) -> None:
    _, pid, port = memcached
    preload(port, 100, 200)
    with Clients(port, 1) as clients, pytest.raises(RuntimeError, match="longer than expected"):
        ClosedLoop(clients, pid, workload(ROW)).round(0.05, 0.0)


def test_a_stat_that_is_not_there(memcached: Started) -> None:
    assert stat(memcached[2], b"hash_is_expanding") == 0
    with pytest.raises(LookupError):
        stat(memcached[2], b"nothing_such")


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 3.0), (0.99, 4.0), (1.0, 4.0)])
def test_quantile(share: float, expected: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], share) == expected
