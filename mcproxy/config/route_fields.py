"""The fields that routes and pools have, and those of a configuration that none of them knows.

mcrouter ignores what it does not know, so such a field refuses no configuration; but it is told of, since it may be
a word misspelled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from mcproxy.config.jsonc import error_at
from mcproxy.config.pool_fields import WITHOUT_EFFECT
from mcproxy.config_error import ConfigError

_EVERY = frozenset({"type", "name"})
_FAILOVER = frozenset(
    {
        "failover_errors",
        "failover_limit",
        "failover_policy",
        "failover_tag",
        "enable_lease_pairing",
        "max_tries",
        "hash",
        "tags",
    }
)

ROUTE_FIELDS: dict[str, frozenset[str]] = {
    "AllAsyncRoute": frozenset({"children"}),
    "AllFastestRoute": frozenset({"children"}),
    "AllInitialRoute": frozenset({"children"}),
    "AllMajorityRoute": frozenset({"children"}),
    "AllSyncRoute": frozenset({"children"}),
    "BigValueRoute": frozenset({"target", "split_threshold", "batch_size", "hide_reply_flag"}),
    "DevNullRoute": frozenset(),
    "ErrorRoute": frozenset({"response", "result", "enable_logging"}),
    "FailoverRoute": frozenset({"children"}) | _FAILOVER,
    "FailoverWithExptimeRoute": frozenset({"normal", "failover", "failover_exptime"}) | _FAILOVER,
    "HashRoute": frozenset(
        {
            "children",
            "hash_func",
            "salt",
            "weights",
            "tags",
            "key_hash",
            "hash_tag",
            "failover_count",
            "thread_local_failover",
            "failover_errors",
        }
    ),
    "HashStopAllowListRoute": frozenset({"target", "prefixes"}),
    "HostIdRoute": frozenset({"children", "salt"}),
    "KeyParseRoute": frozenset({"target", "num_routing_parts", "delimiter"}),
    "KeySplitRoute": frozenset({"destination", "replicas", "all_sync", "first_hit"}),
    "L1L2CacheRoute": frozenset({"l1", "l2", "upgradingL1Exptime", "ncacheExptime", "ncacheUpdatePeriod"}),
    "L1L2SizeSplitRoute": frozenset(
        {"l1", "l2", "threshold", "ttl_threshold", "failure_ttl", "both_full_set", "retries"}
    ),
    "LatencyInjectionRoute": frozenset(
        {"child", "before_latency_ms", "after_latency_ms", "total_latency_ms", "total_latency_percentile_ms"}
    ),
    "LatestRoute": frozenset({"children", "failover_count", "weights", "thread_local_failover", "salt"}) | _FAILOVER,
    "LoadBalancerRoute": frozenset({"children", "algorithm", "salt", "load_ttl_ms", "failover_count"}),
    "LoggingRoute": frozenset({"target"}),
    "MigrateRoute": frozenset({"from", "to", "start_time", "interval"}),
    "MissFailoverRoute": frozenset({"children", "return_best_on_error_miss"}),
    "ModifyExptimeRoute": frozenset({"target", "exptime", "action"}),
    "ModifyKeyRoute": frozenset(
        {"target", "set_routing_prefix", "ensure_key_prefix", "replace_key_prefix", "modify_inplace", "set_key_suffix"}
    ),
    "NullRoute": frozenset(),
    "OperationSelectorRoute": frozenset({"default_policy", "operation_policies"}),
    "OriginalClientHashRoute": frozenset({"children", "offset"}),
    "PoolRoute": frozenset(
        {
            "pool",
            "hash",
            "shadows",
            "shadow_policy",
            "rates",
            "asynclog",
            "asynclog_name",
            "max_outstanding",
            "shard_splits",
            "split_shard_fanout",
            "slow_warmup",
            "bucketize",
            "total_buckets",
            "bucketization_keyspace",
            "salt",
            "distribution_enabled",
        }
    ),
    "PrefixPolicyRoute": frozenset({"default_policy", "operation_policies"}),
    "PrefixSelectorRoute": frozenset({"policies", "wildcard"}),
    "RandomRoute": frozenset({"children"}),
    "RateLimitRoute": frozenset({"target", "rates", "fallback"}),
    "RoutingGroupRoute": frozenset({"default_policy", "routing_group_policies"}),
    "SaltedFailoverRoute": frozenset({"pool", "shadows", "shadow_policy"}) | _FAILOVER,
    "ShadowRoute": frozenset({"children", "shadows", "shadow_policy"}),
    "StagingRoute": frozenset({"warm", "staging"}),
    "WarmUpRoute": frozenset({"cold", "warm", "exptime", "enable_metaget"}),
}
"""By type, beside `type` and `name`. Some are accepted and have no effect."""

POOL_FIELDS = WITHOUT_EFFECT | {
    "cluster",
    "connect_timeout",
    "error_on_empty",
    "failure_domains",
    "inherit",
    "keep_routing_prefix",
    "names",
    "port_override",
    "protocol",
    "region",
    "security_mech",
    "server_timeout",
    "servers",
    "tags",
    "tko_tracker",
    "use_ssl",
    "weights",
}


def unknown_fields(document: Any) -> Iterator[ConfigError]:
    """One for each field, with its place; they are not raised. Of a document whose macros are done."""
    waiting, known = deque([(document, "")]), set()
    while waiting:
        node, path = waiting.popleft()
        if not isinstance(node, dict | list) or id(node) in known:  # one part may stand in many places
            continue
        known.add(id(node))
        if isinstance(node, list):
            waiting += [(item, f"{path}[{at}]") for at, item in enumerate(node)]
            continue
        kind, fields = _kind(node)
        if fields is not None:
            for name in (name for name in node if name not in fields | _EVERY):
                yield error_at(name, f"{kind} has no field {name}: it is ignored", f"{path}.{name}")
        waiting += [(value, f"{path}.{name}" if path else str(name)) for name, value in node.items()]


def _kind(node: dict[str, Any]) -> tuple[str, frozenset[str] | None]:
    """What an object is, with its fields; a pool is what has servers."""
    kind = node.get("type")
    if isinstance(kind, str) and kind in ROUTE_FIELDS:
        return kind, ROUTE_FIELDS[kind]
    return ("a pool", POOL_FIELDS) if "servers" in node or "inherit" in node else ("", None)
