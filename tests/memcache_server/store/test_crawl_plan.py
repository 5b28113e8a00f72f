"""When a class is crawled next: worked out by hand from the rule."""

from __future__ import annotations

import pytest

from memcache_server.store.crawl_plan import CrawlPlan, Findings, Verdict, decide_wait


def findings(lasting: int = 0, over_an_hour: int = 0, **minutes: int) -> Findings:
    """`m3=50`: fifty items with three minutes left."""
    found = Findings(seen=lasting + over_an_hour + sum(minutes.values()), lasting=lasting)
    for name, count in minutes.items():
        found.minutes[int(name[1:])] = count
    return found


@pytest.mark.parametrize(("found", "wait", "verdict"), [
    # nothing will have expired within the hour: a minute more, up to an hour
    (findings(), 0, Verdict(1, 0, 60)),
    (findings(lasting=1000), 60, Verdict(1, 0, 120)),
    (findings(over_an_hour=1000), 0, Verdict(11, 0, 60)),
    (findings(), 3570, Verdict(1, 0, 3600)),
    (findings(), 3600, Verdict(1, 0, 3600)),
    # enough within the first minute: a minute less, down to none
    (findings(m0=200), 0, Verdict(3, 200, 0)),
    (findings(m0=200), 30, Verdict(3, 200, 0)),
    (findings(m0=200), 600, Verdict(3, 200, 540)),
    # enough by the fifth minute: towards it
    (findings(m5=200), 0, Verdict(3, 200, 60)),
    (findings(m5=200), 240, Verdict(3, 200, 300)),
    (findings(m5=200), 300, Verdict(3, 200, 240)),
    (findings(m59=200), 3480, Verdict(3, 200, 3540)),
    # a hundredth of those with a TTL, and one more, is not enough; one above that is
    (findings(lasting=10**6, over_an_hour=998, m1=11), 0, Verdict(11, 11, 0)),
    (findings(lasting=10**6, over_an_hour=998, m1=12), 0, Verdict(11, 12, 60)),
    (findings(m0=1), 120, Verdict(1, 1, 120)),
    # what is counted are the minutes up to the one that suffices
    (findings(m0=1, m1=1, m2=1, m3=500), 0, Verdict(6, 503, 60)),
    (findings(over_an_hour=100, m2=2, m3=1, m4=7), 600, Verdict(2, 3, 540)),
])  # fmt: skip
def test_the_wait_draws_near_to_when_a_crawl_is_worth_it(found: Findings, wait: int, verdict: Verdict) -> None:
    assert decide_wait(found, wait) == verdict


class TestPlan:
    def test_every_class_is_due_at_the_start(self) -> None:
        assert list(CrawlPlan(3).due(2)) == [1, 2, 3]

    def test_what_has_nothing_to_free_is_due_ever_later_but_every_hour(self) -> None:
        plan, now, gaps = CrawlPlan(1), 2, []
        for _ in range(65):
            plan.settle(now, [(1, findings(lasting=9))])
            before = now
            while not plan.due(now):
                now += 1
            gaps.append(now - before)
        assert gaps[:4] == [66, 126, 186, 246]
        assert gaps[58:] == [3546, 3606, 3606, 3606, 3606, 3606, 3606]

    def test_what_expires_all_the_time_is_due_every_six_seconds(self) -> None:
        plan = CrawlPlan(1)
        assert plan.settle(100, [(1, findings(m0=50))]) == [Verdict(1, 50, 5)]
        assert list(plan.due(105)) == []
        assert list(plan.due(106)) == [1]

    def test_each_class_has_its_own_time(self) -> None:
        plan = CrawlPlan(3)
        plan.settle(10, [(1, findings()), (2, findings(m0=9)), (3, findings(m0=9))])
        assert list(plan.due(16)) == [2, 3]
        plan.settle(16, [(2, findings())])
        assert list(plan.due(17)) == [3]
        plan.settle(17, [(3, findings())])
        assert list(plan.due(75)) == []
        assert list(plan.due(76)) == [1]
        assert list(plan.due(83)) == [1, 2, 3]

    def test_what_was_not_settled_stays_due(self) -> None:
        plan = CrawlPlan(2)
        assert list(plan.due(9)) == list(plan.due(10)) == [1, 2]
