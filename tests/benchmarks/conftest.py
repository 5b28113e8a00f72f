"""Two memcacheds in place of the contenders, and few requests prepared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from benchmarks import at_rest, contenders, measure, process, workloads
from benchmarks.contenders import MEMCACHED, Contender
from benchmarks.load import connect, receive
from benchmarks.measure import Started
from benchmarks.process import running

ORIGINAL, OURS = MEMCACHED.name, "the other"


@pytest.fixture(autouse=True)
def in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for, little is prepared."""
    monkeypatch.setattr(workloads, "_PICKS", (400, 400))
    monkeypatch.setattr(workloads, "_NEW_KEYS", 20_000)
    monkeypatch.setattr(measure, "WARM_UP_S", 0.01)
    monkeypatch.setattr(measure, "_SETTLE_S", (0.0, 1.0))
    monkeypatch.setattr(process, "_STOP_S", 0.0)
    monkeypatch.setattr(at_rest, "_SETTLE_S", 0.0)
    monkeypatch.setattr(at_rest, "_ASKED", 10)


def two_memcacheds(megabytes: int = 64, floor: bool = False) -> list[Contender]:
    if not shutil.which("memcached"):
        pytest.skip("memcached is not installed")
    command = MEMCACHED.command.format(megabytes=megabytes)
    return [Contender(ORIGINAL, command), Contender(OURS, command)]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "servers", two_memcacheds)


@pytest.fixture(scope="module")
def _shared_memcached() -> Iterator[Started]:
    contender = two_memcacheds()[0]
    with running(contender.command, 0) as (pid, port):
        yield contender, pid, port


@pytest.fixture
def memcached(_shared_memcached: Started) -> Started:
    """One for all tests of a file, its counters at zero."""
    with connect(_shared_memcached[2]) as client:
        client.sendall(b"stats reset\r\n")
        receive(client, len(b"RESET\r\n"))
    return _shared_memcached
