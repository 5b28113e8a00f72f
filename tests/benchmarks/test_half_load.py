"""Open loop: what is sent is the clock's business, not the server's."""

from __future__ import annotations

import pytest

from benchmarks import half_load
from benchmarks.load import Clients, preload, stat
from benchmarks.measure import Started
from benchmarks.rows import Row
from benchmarks.workloads import workload

ROW = Row(name="half load", ask="churn", connections=5, keys=300)


def test_as_many_requests_as_the_rate_says(memcached: Started) -> None:
    _, _, port = memcached
    preload(port, 300, 100)
    requests = workload(ROW)
    with Clients(port, 5) as clients:
        latencies, late = half_load.OpenLoop(clients, requests.turn(), requests.short).run(1000, 0.3)
    assert 200 < len(latencies) < 400
    assert len(late) == len(latencies) == stat(port, b"cmd_get") + stat(port, b"cmd_set") - 300
    assert latencies == sorted(latencies)


def test_a_run_that_evicts_nothing_is_void(memcached: Started) -> None:
    with pytest.raises(RuntimeError, match="nothing was evicted"):
        half_load.measure(ROW, [memcached], 1, 0.05, lambda _: None)
