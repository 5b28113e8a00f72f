"""RoutingGroupRoute: a child for each group of operations."""

from __future__ import annotations

from mcproxy.request import OP_CLASSES, Op, OpClass
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.null import NullRoute
from mcproxy.routes.operation_selector import OperationSelectorRoute, operation_selector

GROUPS = {
    "get_like": OpClass.GET,
    "update_like": OpClass.UPDATE,
    "delete_like": OpClass.DELETE,
    "arithmetic_like": OpClass.ARITHMETIC,
}


class RoutingGroupRoute(OperationSelectorRoute):
    """An OperationSelectorRoute that is configured by groups."""

    __slots__ = ()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `default_policy` and `routing_group_policies`, an object of routes by GROUPS."""
        default = fields.optional_child("default_policy") or NullRoute()
        by_op: dict[Op, RouteHandle] = {}
        for name, handle in fields.child_map("routing_group_policies").items():
            if name not in GROUPS:
                raise fields.error(f"unknown routing group: {name}", "routing_group_policies")
            by_op.update({op: handle for op, op_class in OP_CLASSES.items() if op_class is GROUPS[name]})
        return operation_selector(by_op, default)
