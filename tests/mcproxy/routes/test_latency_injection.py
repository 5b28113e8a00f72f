import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.routes.latency_injection import LatencyInjectionRoute
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say
from tests.support.route_context import Clock, make_context


@pytest.fixture
def clock():
    return Clock()


def slow(clock, child, **options):
    return LatencyInjectionRoute(child, make_context(clock), **options)


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_before_the_request(clock, kind, result):
    child = CacheRoute(failing=result)
    heard = say(slow(clock, child, before_s=0.02), LIKE[kind])
    assert not child.texts
    clock.advance(0.019)
    assert not child.texts
    clock.advance(0.002)
    assert heard[0][0] == result


def test_after_the_reply(clock):
    child = CacheRoute(k=b"v")
    heard = say(slow(clock, child, after_s=0.02), LIKE["get"])
    assert child.texts and not heard
    clock.advance(0.021)
    assert heard[0][0] == Result.FOUND


@pytest.mark.parametrize(("took", "rest"), [(0.0, 0.05), (0.03, 0.02), (0.051, 0.0), (0.2, 0.0)])
def test_up_to_a_total(clock, took, rest):
    child = CacheRoute(k=b"v", later=True)
    heard = say(slow(clock, child, total_s=0.05), LIKE["get"])
    clock.advance(took)
    child.answer_next()
    if rest:
        clock.advance(rest - 0.001)
        assert not heard
        clock.advance(0.002)
    assert heard[0][0] == Result.FOUND


def test_all_three(clock):
    heard = say(slow(clock, CacheRoute(), before_s=0.01, after_s=0.01, total_s=0.05), LIKE["get"])
    clock.advance(0.049)
    assert not heard
    clock.advance(0.002)
    assert heard[0][0] == Result.NOTFOUND


def test_from_a_configuration(clock):
    child = CacheRoute()
    route = build("LatencyInjectionRoute", make_context(clock), child=child, before_latency_ms=20)
    say(route, LIKE["get"])
    clock.advance(0.0201)
    assert len(child.texts) == 1
    assert build("LatencyInjectionRoute", child=child, before_latency_ms=0) is child
    with pytest.raises(ConfigError, match="one of before_latency_ms, after_latency_ms, total_latency_ms is expected"):
        build("LatencyInjectionRoute", child=child)


@pytest.mark.parametrize(
    ("draw", "total_s"), [(0.0, 0.01), (0.49, 0.01), (0.5, 0.05), (0.989, 0.05), (0.99, 0.2), (0.9999, 0.2)]
)
def test_a_total_by_percentiles(clock, draw, total_s):
    child = CacheRoute(k=b"v")
    fields = {"total_latency_percentile_ms": {"99.9": 200, "50": 10, "99": 50}}
    heard = say(build("LatencyInjectionRoute", make_context(clock, draws=[draw]), child=child, **fields), LIKE["get"])
    clock.advance(total_s - 0.001)
    assert not heard
    clock.advance(0.002)
    assert heard[0][0] == Result.FOUND


def test_the_greater_total_counts(clock):
    fields = {"total_latency_percentile_ms": {"100": 10}, "total_latency_ms": 50}
    heard = say(build("LatencyInjectionRoute", make_context(clock), child=CacheRoute(), **fields), LIKE["get"])
    clock.advance(0.049)
    assert not heard
    clock.advance(0.002)
    assert heard


@pytest.mark.parametrize("given", [{"x": 1}, {"0": 1}, {"101": 1}, {"50": 2, "99": 1}, {"50": -1}, {"50": "1"}, 5])
def test_what_are_no_percentiles(given):
    with pytest.raises(ConfigError):
        build("LatencyInjectionRoute", child=CacheRoute(), total_latency_percentile_ms=given)


def test_no_percentiles_at_all():
    child = CacheRoute()
    assert build("LatencyInjectionRoute", child=child, total_latency_percentile_ms={}) is child
