"""Route handles: ROUTE_HANDLES maps a config name to what builds it.

base.py         RouteHandle, Pool, and what a handle may ask for while it is built
root.py         the top of a tree: routing prefixes
destination.py  the leaf: one server
the others      one file a handle, named as in the config
"""

from mcproxy.routes.base import RouteType
from mcproxy.routes.error import ErrorRoute
from mcproxy.routes.failover import FailoverRoute
from mcproxy.routes.key_split import KeySplitRoute
from mcproxy.routes.modify_exptime import ModifyExptimeRoute
from mcproxy.routes.modify_key import ModifyKeyRoute
from mcproxy.routes.null import NullRoute
from mcproxy.routes.pool import PoolRoute

ROUTE_HANDLES: dict[str, RouteType] = {
    "ErrorRoute": RouteType(ErrorRoute.build, "response"),
    "FailoverRoute": RouteType(FailoverRoute.build, "children"),
    "KeySplitRoute": RouteType(KeySplitRoute.build),
    "ModifyExptimeRoute": RouteType(ModifyExptimeRoute.build),
    "ModifyKeyRoute": RouteType(ModifyKeyRoute.build),
    "NullRoute": RouteType(NullRoute.build),
    "PoolRoute": RouteType(PoolRoute.build, "pool"),
}
