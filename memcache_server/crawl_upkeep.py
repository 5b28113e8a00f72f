"""The LRU crawler's timer: steps while a crawl is under way, and a look at the plan once a second."""

import asyncio

from memcache_server.session import Shared
from memcache_server.store.crawl_plan import CrawlPlan, Findings, Verdict

_BUDGET = 1500  # chunks looked at in one step: under a millisecond, whatever they hold
_PAUSE_S = 0.002  # between two steps, at least: others have two thirds of the time


class CrawlUpkeep:
    """Runs the crawls of one server on a loop: those that clients ask for, and, beside an LRU maintainer, its own."""

    __slots__ = ("_began", "_loop", "_plan", "_planned", "_shared", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, shared: Shared) -> None:
        self._loop = loop
        self._shared = shared
        self._plan = CrawlPlan(shared.store.classes.count)
        self._planned = False  # whether the crawl under way is one of its own
        self._began = 0
        self._timer: asyncio.TimerHandle | None = None
        shared.crawl = self.wake

    def wake(self) -> None:
        """A client's crawl has been started."""
        self._planned = False
        self._wait()

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tick(self, now: int) -> None:
        """Once a second: crawl what is due."""
        shared = self._shared
        if not shared.tunables.lru_crawler or shared.crawler.running:
            return
        classes = self._plan.due(now) if shared.settings.options.lru_maintainer else ()
        if classes:
            shared.stats.lru_crawler_starts += 1
            shared.crawler.start(classes, shared.tunables.lru_crawler_tocrawl)
            self._planned, self._began = True, now
            self._run()

    def _wait(self) -> None:
        self.stop()
        self._timer = self._loop.call_later(max(_PAUSE_S, self._shared.tunables.lru_crawler_sleep / 1e6), self._run)

    def _run(self) -> None:
        self._timer, crawler = None, self._shared.crawler
        if not crawler.running:  # given up
            return
        if crawler.step(_BUDGET):
            self._wait()
        elif self._planned:
            self._settle()

    def _settle(self) -> None:
        shared, now, found = self._shared, self._shared.store.now, self._shared.crawler.found
        for (slab_class, findings), verdict in zip(found.items(), self._plan.settle(now, found.items()), strict=True):
            if shared.store.allocator.pages[slab_class]:
                self._log(slab_class, findings, verdict, now - self._began)

    def _log(self, slab_class: int, findings: Findings, verdict: Verdict, elapsed: int) -> None:
        self._shared.watchers.log(
            b"sysevents",
            f"type=lru_crawler crawler={slab_class} lru=all low_mark={verdict.low_mark} "
            f"next_reclaims={verdict.next_reclaims} since_run=0 next_run={verdict.wait} elapsed={elapsed} "
            f"examined={findings.seen} reclaimed={findings.reclaimed}",
        )
