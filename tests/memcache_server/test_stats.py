"""The server's counters: one table, and what a reset leaves."""

from memcache_server.stats import COUNTERS, Stats
from memcache_server.store.store_stats import CLASS_COUNTERS, StoreStats


def test_each_row_has_its_slot_and_no_slot_lacks_a_row() -> None:
    assert [counter.slot for counter in COUNTERS] == list(Stats.__annotations__)
    assert len({counter.slot for counter in COUNTERS}) == len(COUNTERS)


def test_a_reset_keeps_what_describes_the_present() -> None:
    stats = Stats()
    for counter in COUNTERS:
        setattr(stats, counter.slot, 7)
    stats.reset()
    kept = {counter.slot for counter in COUNTERS if getattr(stats, counter.slot)}
    assert kept == {"accepting_conns", "curr_connections", "log_watchers"}


def test_class_counters_add_up_and_reset() -> None:
    stats = StoreStats()
    for name in CLASS_COUNTERS:
        counter = getattr(stats, name)
        counter[1], counter[39] = 2, 3
        assert stats.total(name) == 5
    stats.hits[129] = 4
    stats.get_expired = stats.get_flushed = stats.slabs_moved = 1
    stats.reset()
    assert not any(stats.total(name) for name in CLASS_COUNTERS)
    assert not any(stats.hits)
    assert (stats.get_expired, stats.get_flushed, stats.slabs_moved) == (0, 0, 0)
