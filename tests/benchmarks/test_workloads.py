"""Prepared requests: as many in one write as the row says, each answered with exactly as many bytes as foreseen."""

from __future__ import annotations

from itertools import islice

import pytest

from benchmarks.load import connect, preload, receive
from benchmarks.measure import Started
from benchmarks.rows import Row
from benchmarks.workloads import KINDS, workload


def row(ask: str, depth: int = 1) -> Row:
    return Row(name=ask, ask=ask, depth=depth, keys=300)


@pytest.mark.parametrize(("ask", "depth"), [*((ask, 1) for ask in KINDS), ("get", 50), ("multiget", 100), ("ms", 50)])
def test_replies_are_as_long_as_foreseen(memcached: Started, ask: str, depth: int) -> None:
    port = memcached[2]
    preload(port, 300, 100)
    requests = workload(row(ask, depth))
    with connect(port) as client:
        for request, expected in islice(requests.turn(), 30):
            client.sendall(request)
            receive(client, expected)
            client.sendall(b"mn\r\n")  # comes next only if the reply had ended
            assert client.recv(100) == b"MN\r\n"


def test_as_many_requests_in_one_write_as_the_row_says() -> None:
    request, _ = workload(row("get", 50)).asks[0]
    assert request.count(b"get key:") == 50
    request, _ = workload(row("multiget", 100)).asks[0]
    assert (request.count(b"get"), request.count(b"key:")) == (1, 100)


def test_ten_gets_for_each_set() -> None:
    verbs = [request[:3] for request, _ in islice(workload(row("mix")).turn(), 44)]
    assert verbs == [*[b"get"] * 10, b"set"] * 4


def test_a_zipf_key_is_asked_for_more_than_others() -> None:
    asks = [request for request, _ in workload(row("mix")).asks]
    assert max(map(asks.count, set(asks))) > 3 * len(asks) / 300


def test_a_fill_asks_for_every_key_in_turn() -> None:
    keys = [request.split()[1] for request, _ in workload(row("fill")).asks]
    assert keys == sorted(keys)
    assert len(set(keys)) == 300


def test_the_same_requests_every_time() -> None:
    assert workload(row("get")).asks == workload(row("get")).asks
