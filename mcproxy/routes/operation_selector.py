"""OperationSelectorRoute: a child for each operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcproxy.request import Op, Request
from mcproxy.routes.base import Fields, Located, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination

# By the names of a config; the meta commands go with what they do mostly.
OPERATIONS: dict[str, tuple[Op, ...]] = {
    "get": (Op.GET,),
    "gets": (Op.GETS,),
    "gat": (Op.GAT,),
    "gats": (Op.GATS,),
    "metaget": (Op.META_GET, Op.META_DEBUG),
    "set": (Op.SET, Op.META_SET),
    "add": (Op.ADD,),
    "replace": (Op.REPLACE,),
    "append": (Op.APPEND,),
    "prepend": (Op.PREPEND,),
    "cas": (Op.CAS,),
    "delete": (Op.DELETE, Op.META_DELETE),
    "incr": (Op.INCR, Op.META_ARITHMETIC),
    "decr": (Op.DECR,),
    "touch": (Op.TOUCH,),
    "lease-get": (Op.LEASE_GET,),
    "lease-set": (Op.LEASE_SET,),
}

_SHARE_LINES = (Op.GET, Op.GETS, Op.GAT, Op.GATS)


class OperationSelectorRoute(RouteHandle):
    """Each operation has its child, or the one for all others."""

    __slots__ = ("_gets", "_routes", "children")

    def __init__(self, by_op: Mapping[Op, RouteHandle], default: RouteHandle) -> None:
        handles = [by_op.get(op, default) for op in Op]
        self.children = list(dict.fromkeys(handles))
        self._routes = [handle.route for handle in handles]
        gets = {handles[op] for op in _SHARE_LINES}
        self._gets = gets.pop() if len(gets) == 1 else None  # nobody tells `locate` which of them is asked for

    def route(self, request: Request) -> None:
        self._routes[request.op](request)

    def locate(self, keys: Sequence[bytes]) -> Located:
        return super().locate(keys) if self._gets is None else self._gets.locate(keys)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `default_policy` and `operation_policies`, an object of routes by operation.

        An operation without its policy goes to the default; without a default it is a miss.
        """
        default = fields.optional_child("default_policy") or NullRoute()
        by_op: dict[Op, RouteHandle] = {}
        for name, handle in fields.child_map("operation_policies").items():
            if name not in OPERATIONS:
                raise fields.error(f"unknown operation: {name}", "operation_policies")
            by_op.update(dict.fromkeys(OPERATIONS[name], handle))
        return operation_selector(by_op, default)


def operation_selector(by_op: Mapping[Op, RouteHandle], default: RouteHandle) -> RouteHandle:
    """An OperationSelectorRoute, where operations differ."""
    return OperationSelectorRoute(by_op, default) if any(h is not default for h in by_op.values()) else default
