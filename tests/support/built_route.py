"""Routes built from the fields of a config, with children that a test has made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcproxy.config.fields import RouteFields
from mcproxy.routes import ROUTE_HANDLES
from mcproxy.routes.base import Pool, RouteHandle
from mcproxy.routes.context import RouteContext
from tests.support.route_context import make_context


@dataclass
class GivenChildren:
    """Takes routes and pools as they are, where a config has names and objects."""

    context: RouteContext

    def route(self, node: Any, path: str) -> RouteHandle:
        assert isinstance(node, RouteHandle)
        return node

    def routes(self, node: Any, path: str) -> list[RouteHandle]:
        return list(node) if isinstance(node, list | tuple) else [self.route(node, path)]

    def pool(self, node: Any, path: str) -> Pool:
        assert isinstance(node, Pool)
        return node


def build(kind: str, context: RouteContext | None = None, **fields: Any) -> Any:
    """`kind` is the config's name of the route."""
    given = RouteFields(GivenChildren(context or make_context()), kind, fields, kind, "route")
    return ROUTE_HANDLES[kind].build(given)
