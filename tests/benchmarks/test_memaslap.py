"""The second opinion: what it prints is read."""

from __future__ import annotations

import pytest

from benchmarks import memaslap
from benchmarks.measure import Started

PRINTED = "written_bytes: 1499010\nread_bytes: 3087979\n\nRun time: 2.0s Ops: 18529 TPS: 9233 Net_rate: 2.2M/s\n"


def test_operations_a_second() -> None:
    assert memaslap.speed(PRINTED) == 9233


def test_something_else_was_printed() -> None:
    with pytest.raises(ValueError, match="no TPS"):
        memaslap.speed("could not connect")


@pytest.mark.soak
@pytest.mark.skipif(not memaslap.available(), reason="libmemcached-tools is not installed")
def test_a_real_run(memcached: Started) -> None:
    opinion = memaslap.run(memcached, 1)
    assert opinion.per_s > 100
    assert 0 < opinion.cpu_us < 1000
