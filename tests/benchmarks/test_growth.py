"""A fill with pings beside it."""

from __future__ import annotations

from benchmarks.growth import fill
from benchmarks.load import stat
from benchmarks.measure import Started


def test_all_items_are_stored_and_pings_answered(memcached: Started) -> None:
    port = memcached[2]
    grown = fill(port, 1_030, 100)
    assert stat(port, b"curr_items") == 1_031  # and the one that is pinged
    assert stat(port, b"get_hits") - grown.pings in (0, 1)  # the last may be under way when all is stored
    assert grown.pings > 0
    assert 0 < grown.p50_ms <= grown.p999_ms <= grown.longest_ms < grown.fill_s * 1e3
