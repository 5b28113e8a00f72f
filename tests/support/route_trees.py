"""Random route trees as a config has them, over the pools A (2 servers), B (1) and C (none)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

POOLS = {"A": 2, "B": 1, "C": 0}

Tree = Any

_ERRORS = st.lists(st.sampled_from(["timeout", "tko", "connect_error", "remote_error", "busy", "bad_key"]), max_size=4)

_LEAVES = st.sampled_from(
    [
        "PoolRoute|A",
        "PoolRoute|A",
        "PoolRoute|B",
        "PoolRoute|C",
        "NullRoute",
        "DevNullRoute",
        "ErrorRoute|closed",
        "LatestRoute|Pool|A",
        "AllMajorityRoute|Pool|A",
        {"type": "PoolRoute", "pool": "A", "hash": "Crc32", "max_outstanding": 1},
        {"type": "ErrorRoute", "result": "mc_res_timeout"},
    ]
)

_POLICIES = st.sampled_from(
    [
        {"type": "LeastFailuresPolicy", "max_tries": 2},
        {"type": "DeterministicOrderPolicy", "max_tries": 3, "max_error_tries": 2},
        {"type": "DeterministicOrderPolicy", "max_tries": 9, "max_error_tries": 9, "ignore_normal_reply_index": True},
    ]
)

_FAILOVER = st.fixed_dictionaries(
    {},
    optional={
        "failover_errors": st.one_of(_ERRORS, st.fixed_dictionaries({"gets": _ERRORS})),
        "failover_limit": st.fixed_dictionaries({"rate": st.sampled_from([0.0, 0.5, 1.0]), "burst": st.just(2)}),
        "failover_tag": st.booleans(),
        "failover_policy": _POLICIES,
    },
)

_LISTS = [
    "AllSyncRoute",
    "AllFastestRoute",
    "AllInitialRoute",
    "AllAsyncRoute",
    "AllMajorityRoute",
    "RandomRoute",
    "HashRoute",
    "HostIdRoute",
    "OriginalClientHashRoute",
    "LatestRoute",
    "MissFailoverRoute",
    "LoadBalancerRoute",
    "FailoverRoute",
]
_TAKES_FAILOVER = frozenset({"LatestRoute", "FailoverRoute"})

# Of the routes with named children: each child's field, and what else they need.
_SHAPES: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("OperationSelectorRoute", ("default_policy",), {}),
    ("RoutingGroupRoute", ("default_policy",), {}),
    ("HashStopAllowListRoute", ("target",), {"prefixes": ["k1"]}),
    ("KeyParseRoute", ("target",), {"num_routing_parts": 1, "delimiter": ":"}),
    ("FailoverWithExptimeRoute", ("normal", "failover"), {"failover_exptime": 5}),
    ("WarmUpRoute", ("cold", "warm"), {"exptime": 60}),
    ("WarmUpRoute", ("cold", "warm"), {"enable_metaget": True}),
    ("MigrateRoute", ("from", "to"), {"start_time": 900, "interval": 60}),
    ("L1L2CacheRoute", ("l1", "l2"), {"upgradingL1Exptime": 5, "ncacheExptime": 5, "ncacheUpdatePeriod": 2}),
    ("L1L2SizeSplitRoute", ("l1", "l2"), {"threshold": 3}),
    ("BigValueRoute", ("target",), {"split_threshold": 4, "batch_size": 2}),
    ("StagingRoute", ("warm", "staging"), {}),
    ("KeySplitRoute", ("destination",), {"replicas": 3, "all_sync": True}),
    ("KeySplitRoute", ("destination",), {"replicas": 2, "all_sync": False, "first_hit": True}),
    ("ModifyKeyRoute", ("target",), {"ensure_key_prefix": "app:"}),
    ("ModifyExptimeRoute", ("target",), {"exptime": 5, "action": "min"}),
    ("RateLimitRoute", ("target",), {"rates": {"gets_rate": 1, "sets_rate": 1}}),
    ("LatencyInjectionRoute", ("child",), {"before_latency_ms": 5, "after_latency_ms": 5}),
    ("LoggingRoute", ("target",), {}),
]


def _extend(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    lists = st.one_of(st.just("Pool|A"), st.lists(children, max_size=3))
    plain = st.builds(
        lambda kind, given, more: {"type": kind, "children": given, **(more if kind in _TAKES_FAILOVER else {})},
        st.sampled_from(_LISTS),
        lists,
        _FAILOVER,
    )
    shaped = st.sampled_from(_SHAPES).flatmap(
        lambda shape: st.fixed_dictionaries({"type": st.just(shape[0]), **dict.fromkeys(shape[1], children)}).map(
            lambda given: {**given, **shape[2]}
        )
    )
    salted = st.builds(
        lambda policy: {"type": "SaltedFailoverRoute", "pool": "A", "failover_policy": policy}, _POLICIES
    )
    by_operation = st.builds(
        lambda get, delete, other: {
            "type": "OperationSelectorRoute",
            "operation_policies": {"get": get, "delete": delete},
            "default_policy": other,
        },
        children,
        children,
        children,
    )
    by_prefix = st.builds(
        lambda policy, wildcard: {"type": "PrefixSelectorRoute", "policies": {"k1": policy}, "wildcard": wildcard},
        children,
        children,
    )
    shadows = st.builds(
        lambda child, target: {
            "type": "ShadowRoute",
            "children": child,
            "shadows": [{"target": target, "index_range": [0, 1], "key_fraction_range": [0, 1]}],
        },
        children,
        children,
    )
    return st.one_of(plain, shaped, salted, by_operation, by_prefix, shadows)


TREES: st.SearchStrategy[Tree] = st.recursive(_LEAVES, _extend, max_leaves=8)

HANDLES = frozenset(
    {
        *_LISTS,
        *(kind for kind, _, _ in _SHAPES),
        *("PoolRoute", "NullRoute", "DevNullRoute", "ErrorRoute", "SaltedFailoverRoute"),
        *("PrefixSelectorRoute", "ShadowRoute", "OperationSelectorRoute", "PrefixPolicyRoute"),
    }
)
"""What a tree may be made of; an alias stands for its route."""
