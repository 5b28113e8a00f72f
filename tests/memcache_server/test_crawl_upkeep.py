"""The crawler's own schedule, in a real server: what expires goes without being touched, and nothing else happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from memcache_server.clock import Clock
from memcache_server.crawl_upkeep import CrawlUpkeep
from memcache_server.session import Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store, StoreOptions
from tests.memcache_server.serving import PATIENCE_S, Raw, resident_mb, serving, stats
from tests.support.processes import Address, memcached_command, running
from tests.support.waiting import wait_until

FINDINGS = re.compile(
    rb"ts=\S+ gid=\d+ type=lru_crawler crawler=(\d+) lru=(\w+) low_mark=(\d+) next_reclaims=(\d+) since_run=(\d+) "
    rb"next_run=(\d+) elapsed=(\d+) examined=(\d+) reclaimed=(\d+)\n"
)


def fill(address: Address) -> None:
    """Ten items that last, then 1,000 for two seconds, 300 for longer.

    The LRU maintainer frees what is dead at the tails of HOT and COLD: the mortal ones are at neither in the end.
    """
    lasting = b"".join(b"set lasting%d 0 0 1 noreply\r\nx\r\n" % number for number in range(10))
    mortal = b"".join(b"set mortal%d 0 2 1 noreply\r\nx\r\n" % number for number in range(1000))
    later = b"".join(b"set later%d 0 500 1 noreply\r\nx\r\n" % number for number in range(300))
    with Raw(address) as client:
        assert client.ask(lasting + mortal + later + b"version\r\n").startswith(b"VERSION")
        if stats(address, "settings")["lru_maintainer_thread"] == "yes":
            wait_until(lambda: int(stats(address, "items")["items:1:number_hot"]) < 300, PATIENCE_S, "they sink")


def crawled(address: Address) -> tuple[str, ...]:
    """What is there, and what crawls did."""
    names = ("curr_items", "crawler_reclaimed", "crawler_items_checked", "expired_unfetched", "get_expired")
    seen = stats(address)
    return tuple(seen[name] for name in names)


def pass_seconds(address: Address, seconds: int) -> None:
    with Raw(address) as client:
        assert client.ask(b"debugtime %d\r\n" % seconds) == b"OK\r\n"


def test_what_has_expired_vanishes_untouched() -> None:
    with serving("-o", "debug_commands") as server, Raw(server.address) as watcher:
        assert watcher.ask(b"watch sysevents\r\n") == b"OK\r\n"
        fill(server.address)
        assert stats(server.address)["lru_crawler_starts"] == "1"  # at the start, when there was nothing
        pass_seconds(server.address, 70)
        wait_until(lambda: crawled(server.address)[0] == "310", PATIENCE_S, "the mortal ones vanish")
        line = watcher.read_until(b"\n")
        assert crawled(server.address) == ("310", "1000", "1310", "1000", "0")
        shown = stats(server.address)
        assert (shown["lru_crawler_starts"], shown["lru_crawler_running"]) == ("2", "0")
    match = FINDINGS.fullmatch(line)
    assert match is not None
    slab_class, lists, low_mark, reclaims, since, following, _, examined, reclaimed = match.groups()
    assert (slab_class, lists, low_mark, reclaims, since) == (b"1", b"all", b"4", b"300", b"0")
    assert (following, examined, reclaimed) == (b"125", b"310", b"1000")


@pytest.mark.parametrize("options", ["no_lru_crawler", "no_lru_maintainer"])
def test_switched_off(options: str) -> None:
    with serving("-o", f"debug_commands,{options}") as server:
        fill(server.address)
        pass_seconds(server.address, 400)
        with Raw(server.address) as client:  # two seconds of the server's clock, at least
            before = int(stats(server.address)["uptime"])
            wait_until(lambda: int(stats(server.address)["uptime"]) >= before + 2, PATIENCE_S, "the clock goes on")
            assert client.ask(b"get mortal999\r\n") == b"END\r\n"
        assert crawled(server.address) == ("1309", "0", "0", "0", "1")


def test_switched_off_and_on_by_command() -> None:
    with serving("-o", "debug_commands") as server, Raw(server.address) as client:
        fill(server.address)
        assert client.ask(b"lru_crawler disable\r\n") == b"OK\r\n"
        pass_seconds(server.address, 70)
        before = int(stats(server.address)["uptime"])
        wait_until(lambda: int(stats(server.address)["uptime"]) >= before + 2, PATIENCE_S, "the clock goes on")
        assert crawled(server.address)[:2] == ("1310", "0")
        assert client.ask(b"lru_crawler enable\r\n") == b"OK\r\n"
        wait_until(lambda: crawled(server.address)[:2] == ("310", "1000"), PATIENCE_S, "the mortal ones vanish")


@pytest.mark.soak
@pytest.mark.memcached
def test_beside_the_original() -> None:
    """Both crawl in the second minute: the first time in the second in which they start, with nothing to see yet."""
    with ExitStack() as servers:
        theirs = servers.enter_context(running(memcached_command))
        ours = servers.enter_context(serving())
        for server in (theirs, ours):
            fill(server.address)
        for server in (theirs, ours):
            wait_until(lambda s=server: crawled(s.address)[0] == "310", 100, "the mortal ones vanish")  # type: ignore[misc]
            assert 60 <= int(stats(server.address)["uptime"]) <= 80
            wait_until(lambda s=server: stats(s.address)["lru_crawler_running"] == "0", 10, "the crawl ends")  # type: ignore[misc]
        assert crawled(ours.address) == crawled(theirs.address)
        assert [stats(server.address)["lru_crawler_starts"] for server in (ours, theirs)] == ["2", "2"]


class Timer:
    def cancel(self) -> None:
        """It is only asked for by a client who begins a crawl while the pause of another lasts."""


class CountingLoop:
    """Remembers what is to be called later."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.calls.append((seconds, call))
        return Timer()

    def run(self) -> int:
        """Everything; how many calls that were."""
        count = 0
        while self.calls:
            self.calls.pop(0)[1]()
            count += 1
        return count


class TestTimer:
    def made(self, items: int) -> tuple[Shared, CountingLoop, CrawlUpkeep]:
        store, loop = Store(StoreOptions(memory_limit=16 << 20)), CountingLoop()
        shared = Shared(Settings(), store, Stats(), Clock())
        store.tick(10)
        for number in range(items):
            store.set(b"k%d" % number, b"0", 40 if number % 2 else 0, b"v\r\n")
        return shared, loop, CrawlUpkeep(loop, shared)  # type: ignore[arg-type]

    def test_nothing_wakes_up_where_there_is_nothing_to_crawl(self) -> None:
        shared, loop, upkeep = self.made(0)
        for now in range(10, 4000):
            shared.store.tick(now)
            upkeep.tick(now)
        assert loop.calls == []
        assert shared.stats.lru_crawler_starts == 11

    def test_a_crawl_goes_in_steps_with_the_pause_asked_for(self) -> None:
        shared, loop, upkeep = self.made(10_000)
        shared.tunables.lru_crawler_sleep = 50_000
        upkeep.tick(10)
        assert [pause for pause, _ in loop.calls] == [0.05]
        assert shared.crawler.running
        upkeep.tick(11)  # one at a time
        assert shared.stats.lru_crawler_starts == len(loop.calls) == 1
        shared.tunables.lru_crawler_sleep = 0
        loop.calls.pop()[1]()
        assert [pause for pause, _ in loop.calls] == [0.002]
        assert 3 <= loop.run() <= 20
        assert not shared.crawler.running
        assert shared.store.stats.total("crawler_items_checked") == 10_000

    def test_a_crawl_by_a_client_changes_no_plan(self) -> None:
        shared, loop, upkeep = self.made(5000)
        upkeep.tick(10)
        loop.run()
        shared.crawler.start([1], 0)
        shared.crawl()
        loop.run()
        assert shared.store.stats.total("crawler_items_checked") == 10_000
        starts = []
        for now in range(11, 24):
            shared.store.tick(now)
            before = shared.stats.lru_crawler_starts
            upkeep.tick(now)
            loop.run()
            starts += [now] * (shared.stats.lru_crawler_starts - before)
        assert starts == [16, 22]

    def test_one_given_up_is_begun_again(self) -> None:
        shared, loop, upkeep = self.made(5000)
        upkeep.tick(10)
        shared.crawler.stop()
        loop.run()
        upkeep.tick(11)
        assert shared.stats.lru_crawler_starts == 2


def test_a_dump_that_nobody_reads_holds_up_nobody_and_is_not_gathered() -> None:
    """100,000 lines of 90 bytes, in turns; what a slow reader does not take waits in the cache, not in memory."""
    with serving("-m", "64") as server, Raw(server.address, slow=True) as reader, Raw(server.address) as client:
        sets = b"".join(b"set key-%020d 0 0 1 noreply\r\nx\r\n" % number for number in range(100_000))
        assert client.ask(sets + b"version\r\n").startswith(b"VERSION")
        before = resident_mb(server.pid)
        reader.send(b"lru_crawler metadump all\r\n")
        for number in range(200):
            assert client.ask(b"get key-%020d\r\n" % number, b"END\r\n").endswith(b"x\r\nEND\r\n")
        assert resident_mb(server.pid) - before < 4
        assert reader.read_until(b"\nEND\r\n").count(b"key=") == 100_000
