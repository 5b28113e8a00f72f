"""Route handles: ROUTE_HANDLES maps a config name to what builds it.

base.py         RouteHandle, Pool, and what a handle may ask for while it is built
root.py         the top of a tree: routing prefixes
destination.py  the leaf: one server
the others      one file a handle, named as in the config
"""

from mcproxy.routes.all_async import AllAsyncRoute
from mcproxy.routes.all_fastest import AllFastestRoute
from mcproxy.routes.all_initial import AllInitialRoute
from mcproxy.routes.all_majority import AllMajorityRoute
from mcproxy.routes.all_sync import AllSyncRoute
from mcproxy.routes.base import RouteType
from mcproxy.routes.big_value import BigValueRoute
from mcproxy.routes.dev_null import DevNullRoute
from mcproxy.routes.error import ErrorRoute
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.failover_with_exptime import FailoverWithExptimeRoute
from mcproxy.routes.hash import HashRoute
from mcproxy.routes.hash_stop_allow_list import HashStopAllowListRoute
from mcproxy.routes.host_id import HostIdRoute
from mcproxy.routes.key_parse import KeyParseRoute
from mcproxy.routes.key_split import KeySplitRoute
from mcproxy.routes.l1l2_cache import L1L2CacheRoute
from mcproxy.routes.l1l2_size_split import L1L2SizeSplitRoute
from mcproxy.routes.latency_injection import LatencyInjectionRoute
from mcproxy.routes.latest import LatestRoute
from mcproxy.routes.load_balancer import LoadBalancerRoute
from mcproxy.routes.logging import LoggingRoute
from mcproxy.routes.migrate import MigrateRoute
from mcproxy.routes.miss_failover import MissFailoverRoute
from mcproxy.routes.modify_exptime import ModifyExptimeRoute
from mcproxy.routes.modify_key import ModifyKeyRoute
from mcproxy.routes.null import NullRoute
from mcproxy.routes.operation_selector import OperationSelectorRoute
from mcproxy.routes.original_client_hash import OriginalClientHashRoute
from mcproxy.routes.pool import PoolRoute
from mcproxy.routes.prefix_selector import PrefixSelectorRoute
from mcproxy.routes.random import RandomRoute
from mcproxy.routes.rate_limit import RateLimitRoute
from mcproxy.routes.routing_group import RoutingGroupRoute
from mcproxy.routes.salted_failover import SaltedFailoverRoute
from mcproxy.routes.shadow import ShadowRoute
from mcproxy.routes.staging import StagingRoute
from mcproxy.routes.warm_up import WarmUpRoute

ROUTE_HANDLES: dict[str, RouteType] = {
    "AllAsyncRoute": RouteType(AllAsyncRoute.build, "children"),
    "AllFastestRoute": RouteType(AllFastestRoute.build, "children"),
    "AllInitialRoute": RouteType(AllInitialRoute.build, "children"),
    "AllMajorityRoute": RouteType(AllMajorityRoute.build, "children"),
    "AllSyncRoute": RouteType(AllSyncRoute.build, "children"),
    "BigValueRoute": RouteType(BigValueRoute.build),
    "DevNullRoute": RouteType(DevNullRoute.build),
    "ErrorRoute": RouteType(ErrorRoute.build, "response"),
    "FailoverRoute": RouteType(FailoverRoute.build, "children"),
    "FailoverWithExptimeRoute": RouteType(FailoverWithExptimeRoute.build),
    "HashRoute": RouteType(HashRoute.build, "children"),
    "HashStopAllowListRoute": RouteType(HashStopAllowListRoute.build),
    "HostIdRoute": RouteType(HostIdRoute.build, "children"),
    "KeyParseRoute": RouteType(KeyParseRoute.build),
    "KeySplitRoute": RouteType(KeySplitRoute.build),
    "L1L2CacheRoute": RouteType(L1L2CacheRoute.build),
    "L1L2SizeSplitRoute": RouteType(L1L2SizeSplitRoute.build),
    "LatencyInjectionRoute": RouteType(LatencyInjectionRoute.build),
    "LatestRoute": RouteType(LatestRoute.build, "children"),
    "LoadBalancerRoute": RouteType(LoadBalancerRoute.build, "children"),
    "LoggingRoute": RouteType(LoggingRoute.build, "target"),
    "MigrateRoute": RouteType(MigrateRoute.build),
    "MissFailoverRoute": RouteType(MissFailoverRoute.build, "children"),
    "ModifyExptimeRoute": RouteType(ModifyExptimeRoute.build),
    "ModifyKeyRoute": RouteType(ModifyKeyRoute.build),
    "NullRoute": RouteType(NullRoute.build),
    "OperationSelectorRoute": RouteType(OperationSelectorRoute.build),
    "OriginalClientHashRoute": RouteType(OriginalClientHashRoute.build, "children"),
    "PoolRoute": RouteType(PoolRoute.build, "pool"),
    "PrefixPolicyRoute": RouteType(OperationSelectorRoute.build),
    "PrefixSelectorRoute": RouteType(PrefixSelectorRoute.build),
    "RandomRoute": RouteType(RandomRoute.build, "children"),
    "RateLimitRoute": RouteType(RateLimitRoute.build),
    "RoutingGroupRoute": RouteType(RoutingGroupRoute.build),
    "SaltedFailoverRoute": RouteType(SaltedFailoverRoute.build, "pool"),
    "ShadowRoute": RouteType(ShadowRoute.build),
    "StagingRoute": RouteType(StagingRoute.build),
    "WarmUpRoute": RouteType(WarmUpRoute.build),
}
