import pytest

from mcproxy.config_error import ConfigError
from mcproxy.hashing import Node
from mcproxy.outcome import Result
from mcproxy.routes.base import Pool
from mcproxy.routes.outstanding_limit import OutstandingLimitRoute
from mcproxy.routes.pool import PoolRoute
from mcproxy.routes.rate_limit import RateLimitRoute
from mcproxy.routes.shadow import ShadowRoute
from mcproxy.routes.shard_split import ShardSplitRoute, Splits
from mcproxy.routes.slow_warm_up import SlowWarmUpRoute, WarmUpSettings
from tests.support.built_route import build
from tests.support.cache_route import CacheRoute, say
from tests.support.route_context import make_context

SHADOW = {"index_range": [0, 2], "key_fraction_range": [0, 1]}


def pool_route(context=None, **fields):
    pool = Pool("A", (Node("a"), Node("b")), (CacheRoute(), CacheRoute()))
    return build("PoolRoute", context, pool=pool, **fields)


def test_without_parameters_there_is_nothing_around_a_pool():
    route = pool_route()
    assert type(route) is PoolRoute
    assert [type(member) for member in route._members] == [CacheRoute, CacheRoute]
    assert type(pool_route(rates={}, shard_splits={}, shadows=[])) is PoolRoute


def test_from_the_outside_to_the_server():
    route = pool_route(
        shard_splits={"1": 3},
        rates={"gets_rate": 5},
        shadows=[{"target": CacheRoute(), **SHADOW}],
        slow_warmup={"failoverTarget": CacheRoute()},
        max_outstanding=7,
    )
    assert type(route) is ShardSplitRoute
    assert type(route._child) is RateLimitRoute
    member = route._child._target._members[0]
    assert type(member) is ShadowRoute
    assert type(member.child) is SlowWarmUpRoute
    assert type(member.child._child) is OutstandingLimitRoute
    assert route.member_of(b"k") == route._child._target.member_of(b"k") is not None


def test_values():
    route = pool_route(
        shard_splits={
            "1": 3,
            "2": {"old_split_size": 1, "new_split_size": 2, "split_start": 9, "migration_period": 60},
            "3": {"fanout_deletes": False},
        },
        split_shard_fanout=True,
    )
    assert route._splits == {
        b"1": Splits(3, 3, fans_out_deletes=True),
        b"2": Splits(1, 2, 9, 60, fans_out_deletes=True),
        b"3": Splits(1, 1),
    }
    settings = {"enable_threshold": 0.1, "disable_threshold": 0.2, "start": 0.3, "step": 2.0, "min_requests": 5}
    member = pool_route(slow_warmup={"failoverTarget": CacheRoute(), "settings": settings})._members[0]
    assert member._settings == WarmUpSettings(0.1, 0.2, 0.3, 2.0, 5)


def test_rates_are_the_pools_not_each_servers():
    context = make_context()
    route = pool_route(context, rates={"sets_rate": 3, "sets_burst": 4})
    got = [say(route, b"set k%d 0 0 1\r\nx\r\n" % n)[0][0] for n in range(10)]
    assert got == [Result.STORED] * 4 + [Result.NOTSTORED] * 6
    assert context.counters["rate_limited"] == 6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"max_outstanding": 0}, "max_outstanding must be at least 1"),
        ({"max_outstanding": "7"}, "max_outstanding must be a whole number"),
        ({"rates": 5}, "rates must be an object"),
        ({"rates": {"gets_rate": -1}}, "gets_rate must be at least 0"),
        ({"rates": {"gets_burst": 1}}, "gets_burst without gets_rate"),
        ({"shard_splits": {"1": 0}}, "1 must be from 1 to 677"),
        ({"shard_splits": {"1": "two"}}, "1 must be a whole number"),
        ({"shard_splits": [1]}, "shard_splits must be an object"),
        ({"slow_warmup": {}}, "failoverTarget is missing"),
        ({"slow_warmup": {"failoverTarget": CacheRoute(), "settings": {}}}, "enable_threshold is missing"),
        (
            {
                "slow_warmup": {
                    "failoverTarget": CacheRoute(),
                    "settings": {"enable_threshold": 0.9, "disable_threshold": 0.8},
                }
            },
            "enable_threshold is above disable_threshold",
        ),
        ({"bucketize": True, "total_buckets": 10}, "bucketization_keyspace is missing"),
        ({"bucketize": True, "bucketization_keyspace": "x"}, "total_buckets is missing"),
        ({"bucketize": True, "total_buckets": 0, "bucketization_keyspace": "x"}, "total_buckets must be from 1 to"),
        (
            {"bucketize": True, "total_buckets": 9, "bucketization_keyspace": "x", "hash": "Latest"},
            "Latest looks at no key",
        ),
        ({"bucketize": True, "shard_splits": {"1": 2}}, "shard_splits does not go with bucketize here"),
        ({"bucketize": True, "total_buckets_by_prefix": {}}, "total_buckets_by_prefix does not go with bucketize here"),
        ({"distribution_enabled": True}, "distribution_enabled works only inside"),
        ({"shadow_policy": "odd"}, "unknown shadow_policy: odd"),
        ({"shadows": 5}, "shadows must be a list"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(ConfigError, match=message):
        pool_route(**fields)
