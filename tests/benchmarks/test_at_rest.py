"""What is measured of a server that nobody asks for items."""

from __future__ import annotations

from benchmarks import at_rest
from benchmarks.contenders import servers
from benchmarks.measure import Started


def test_a_scrape_is_answered_and_costs() -> None:
    ours = servers()[1]
    assert at_rest.scrape_ms(ours, 100, 10)[ours.name] > 0


def test_threads_are_counted(memcached: Started) -> None:
    before = at_rest.wake_ups(memcached[1])
    at_rest.stats_us([memcached])
    assert at_rest.wake_ups(memcached[1]) > before
