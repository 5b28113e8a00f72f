"""Crawls: what they free, what they count, how much at a time, and what they leave alone."""

from __future__ import annotations

from memcache_server.store import Store, StoreOptions
from memcache_server.store.check import check
from memcache_server.store.crawl_plan import Findings
from memcache_server.store.crawler import Crawler, ItemWalk
from memcache_server.store.page_mover import PageMover, Progress
from memcache_server.store.slab_allocator import POOL

SMALL, BIG = 1, 30
BIG_VALUE = b"b" * 60_000 + b"\r\n"  # 15 a page
ALL = range(1, 64)


def made(**options: object) -> tuple[Store, Crawler]:
    store = Store(StoreOptions(memory_limit=16 << 20, **options))  # type: ignore[arg-type]
    store.tick(100)
    return store, Crawler(store)


def fill(store: Store, prefix: bytes, count: int, exptime: int = 0, value: bytes = b"v\r\n") -> None:
    for number in range(count):
        store.set(b"%b%d" % (prefix, number), b"0", exptime, value)


def crawl(store: Store, crawler: Crawler, budget: int = 500, each_class: int = 0) -> int:
    """From begin to end, with every invariant checked after each step; the number of steps."""
    crawler.start(ALL, each_class)
    steps = 1
    while crawler.step(budget):
        check(store)
        steps += 1
    check(store)
    return steps


class TestFreeing:
    def test_the_expired_go_and_no_others(self) -> None:
        store, crawler = made()
        fill(store, b"mortal", 2000, exptime=110)
        fill(store, b"later", 1000, exptime=111)
        fill(store, b"lasting", 1000)
        store.tick(110)
        crawl(store, crawler)
        assert store.curr_items == 2000
        assert store.stats.crawler_reclaimed[SMALL] == store.stats.expired_unfetched[SMALL] == 2000
        assert store.stats.crawler_items_checked[SMALL] == 4000
        assert store.get(b"later999") is not None
        assert store.get(b"lasting999") is not None

    def test_fetched_ones_are_not_counted_as_unfetched(self) -> None:
        store, crawler = made()
        fill(store, b"k", 10, exptime=110)
        store.get(b"k3")
        store.tick(200)
        crawl(store, crawler)
        assert (store.stats.crawler_reclaimed[SMALL], store.stats.expired_unfetched[SMALL]) == (10, 9)

    def test_the_flushed_go_too_and_did_not_expire(self) -> None:
        store, crawler = made()
        fill(store, b"k", 10)
        store.flush()
        fill(store, b"new", 5)
        crawl(store, crawler)
        assert store.curr_items == 5
        assert (store.stats.crawler_reclaimed[SMALL], store.stats.expired_unfetched[SMALL]) == (10, 0)

    def test_chains_go_as_a_whole(self) -> None:
        store, crawler = made()
        fill(store, b"large", 3, exptime=110, value=b"x" * 900_000 + b"\r\n")
        store.tick(110)
        crawl(store, crawler)
        assert store.curr_items == 0
        assert store.stats.total("crawler_items_checked") == 3

    def test_an_item_being_sent_is_unlinked_and_its_bytes_stay_until_it_is_let_go(self) -> None:
        store, crawler = made()
        fill(store, b"k", 1, exptime=110)
        handle = store.find(b"k0")
        store.pin(handle)
        store.tick(110)
        crawl(store, crawler)
        assert store.curr_items == 0
        assert store._text(handle).endswith(b"\r\nv\r\n")
        crawl(store, crawler)
        assert store.stats.crawler_items_checked[SMALL] == 1  # it is no item any more
        store.unpin(handle)
        check(store)

    def test_a_page_under_way_arrives(self) -> None:
        store, crawler = made(segmented=False)
        mover = PageMover(store)
        for number in range(45):
            store.set(b"k%d" % number, b"0", 110 if number % 3 else 0, BIG_VALUE)
        store.tick(110)
        mover.reassign(BIG, POOL)
        mover.step(3)
        assert mover.running
        crawl(store, crawler, budget=10)
        while mover.step(10) != Progress.IDLE:
            check(store)
        assert store.curr_items == 15
        assert len(store.allocator.pool) == 1
        assert all(store.get(b"k%d" % number) is not None for number in range(0, 45, 3))


class TestFindings:
    def test_who_is_left_by_minutes(self) -> None:
        store, crawler = made()
        exptimes = (0, 0, 99, 100, 101, 159, 160, 219, 220, 3699, 3700, 9999)
        for number, exptime in enumerate(exptimes):
            store.set(b"k%d" % number, b"0", exptime, b"v\r\n")
        crawl(store, crawler)
        expected = Findings(seen=10, lasting=2, reclaimed=2)
        for minute, count in {0: 2, 1: 2, 2: 1, 59: 1}.items():
            expected.minutes[minute] = count
        assert crawler.found[SMALL] == expected
        assert crawler.found[SMALL + 1] == Findings()

    def test_classes_do_not_mix(self) -> None:
        store, crawler = made()
        fill(store, b"k", 7)
        fill(store, b"b", 20, exptime=200, value=BIG_VALUE)
        crawler.start([BIG], 0)
        while crawler.step(10):
            pass
        assert list(crawler.found) == [BIG]
        assert crawler.found[BIG].seen == crawler.found[BIG].minutes[1] == 20
        assert store.stats.total("crawler_items_checked") == 20


class TestBounds:
    def test_a_step_frees_about_a_hundredth_of_a_class_of_ten_thousand(self) -> None:
        store, crawler = made()
        fill(store, b"k", 10_000, exptime=110)
        store.tick(110)
        crawler.start(ALL, 0)
        crawler.step(1500)
        assert 50 <= store.stats.crawler_reclaimed[SMALL] <= 150

    def test_pages_of_other_classes_are_hardly_looked_at(self) -> None:
        store, crawler = made()
        fill(store, b"k", 10_000)
        crawler.start([BIG], 0)
        assert not crawler.step(100)

    def test_tocrawl_counts_by_class(self) -> None:
        store, crawler = made()
        fill(store, b"k", 500)
        fill(store, b"few", 3, value=b"x" * 100 + b"\r\n")
        fill(store, b"b", 100, value=BIG_VALUE)
        crawl(store, crawler, each_class=60)
        checked = store.stats.crawler_items_checked
        assert (checked[SMALL], checked[BIG], sum(checked)) == (60, 60, 123)

    def test_what_was_given_up_is_not_gone_on_with(self) -> None:
        store, crawler = made()
        fill(store, b"k", 10_000)
        crawler.start(ALL, 0)
        crawler.step(100)
        crawler.stop()
        assert not crawler.running
        assert not crawler.step(100)
        assert store.stats.crawler_items_checked[SMALL] < 10_000


class TestWalk:
    def test_every_item_is_met_once_whatever_the_steps(self) -> None:
        store, _ = made()
        fill(store, b"k", 3000)
        fill(store, b"b", 40, value=BIG_VALUE)
        fill(store, b"large", 2, value=b"x" * 900_000 + b"\r\n")
        for number in range(0, 3000, 2):
            store.delete(b"k%d" % number)
        for budget in (1, 7, 100, 10**6):
            walk, met = ItemWalk(store, ALL), []
            while not walk.done:
                met += walk.step(budget)
            keys = [store.key_of(handle) for handle in met]
            assert len(keys) == len(set(keys)) == 1542
            assert b"k1" in keys
            assert b"large1" in keys

    def test_an_empty_store_has_none(self) -> None:
        store, crawler = made()
        assert ItemWalk(store, ALL).done
        assert crawl(store, crawler) == 1
