import pytest

from mcproxy.outcome import Result
from mcproxy.routes.slow_warm_up import SlowWarmUpRoute, WarmUpSettings
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say

SETTINGS = WarmUpSettings(0.5, 0.8, start=0.1, step=0.5, min_requests=10)
GETS = ("get", "gets", "gat", "mg", "lease-get")


class Dice:
    shown = 0.999

    def __call__(self):
        return self.shown


@pytest.fixture
def parts():
    child, failover, dice = CacheRoute(), CacheRoute(k=b"f"), Dice()
    return SlowWarmUpRoute(child, failover, SETTINGS, dice), child, failover, dice


def gets(route, count, key=b"k"):
    for _ in range(count):
        say(route, b"get %b\r\n" % key)


def test_a_server_counts_as_warm_at_first(parts):
    route, child, failover, _ = parts
    gets(route, 10)
    assert (len(child.texts), len(failover.texts)) == (10, 0)
    gets(route, 1)
    assert (len(child.texts), len(failover.texts)) == (10, 1)


@pytest.mark.parametrize("hits", [0, 2, 4])
def test_the_better_its_hit_rate_the_more_it_is_asked(parts, hits):
    route, child, failover, dice = parts
    child.put(b"there", b"v")
    gets(route, hits, b"there")
    gets(route, 10 - hits)
    share = 0.1 + 0.5 * hits / 10
    dice.shown = share
    gets(route, 1)
    assert len(failover.texts) == 1
    dice.shown = share - 0.001
    gets(route, 1)
    assert (len(child.texts), len(failover.texts)) == (11, 1)


def test_it_is_warm_again_only_above_the_other_threshold(parts):
    route, child, failover, dice = parts
    child.put(b"there", b"v")
    gets(route, 10)
    dice.shown = 0.0
    gets(route, 39, b"there")  # 39 of 49
    dice.shown = 0.999
    gets(route, 1)
    assert len(failover.texts) == 1
    dice.shown = 0.0
    gets(route, 1, b"there")  # 40 of 50, which is not above it
    dice.shown = 0.999
    gets(route, 1)
    assert len(failover.texts) == 2
    dice.shown = 0.0
    gets(route, 1, b"there")  # 41 of 51
    dice.shown = 0.999
    gets(route, 1, b"there")
    assert len(failover.texts) == 2


def test_a_server_that_was_out_begins_anew(parts):
    route, child, failover, _ = parts
    gets(route, 9)
    child.failing = Result.TKO
    gets(route, 1)
    assert (route.hits, route.misses) == (0, 0)
    child.failing = None
    gets(route, 10)
    assert not failover.texts


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_only_gets_go_elsewhere(parts, kind, result):
    route, child, failover, _ = parts
    gets(route, 10)
    child.failing = failover.failing = result
    assert say(route, LIKE[kind])[0][0] == result
    assert len(failover.texts) == (kind in GETS)
