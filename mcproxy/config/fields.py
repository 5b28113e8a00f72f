"""The fields of one route, typed: what routes.base.Fields promises."""

from __future__ import annotations

from typing import Any, Protocol

from mcproxy.config.jsonc import ConfigError
from mcproxy.hashing import HASH_FUNCTIONS, HashOptions
from mcproxy.routes.base import Pool, RouteHandle


class Builder(Protocol):
    """What fields are turned into children by."""

    def route(self, node: Any) -> RouteHandle:
        """One route."""

    def routes(self, node: Any) -> list[RouteHandle]:
        """A list of routes, flattened."""

    def pool(self, node: Any) -> Pool:
        """A pool by name, or an object."""


class RouteFields:
    """`fields` of a route of type `kind`, whose `type` stands on `line`."""

    def __init__(self, builder: Builder, kind: str, fields: dict[str, Any], line: int) -> None:
        self._builder = builder
        self._kind = kind
        self._fields = fields
        self._line = line

    def text(self, name: str, default: str) -> str:
        value = self._fields.get(name, default)
        if not isinstance(value, str):
            raise self.error(f"{name} must be a string")
        return str(value)

    def child(self, name: str) -> RouteHandle:
        return self._builder.route(self._required(name))

    def children(self, name: str) -> list[RouteHandle]:
        return self._builder.routes(self._required(name))

    def pool(self, name: str) -> Pool:
        return self._builder.pool(self._required(name))

    def hash(self, name: str, default: str) -> tuple[str, HashOptions]:
        value = self._fields.get(name, default)
        settings = value if isinstance(value, dict) else {"hash_func": value}
        function = settings.get("hash_func", default)
        if not isinstance(function, str) or function not in HASH_FUNCTIONS:
            raise self.error(f"unknown hash function: {function}")
        salt, weights = settings.get("salt", ""), settings.get("weights", [])
        if not isinstance(salt, str):
            raise self.error("salt must be a string")
        if not isinstance(weights, list) or not all(isinstance(w, int | float) for w in weights):
            raise self.error("weights must be a list of numbers")
        return str(function), HashOptions(salt=str(salt), weights=tuple(float(w) for w in weights))

    def error(self, text: str) -> ConfigError:
        return ConfigError(f"{self._kind}: {text}", self._line)

    def _required(self, name: str) -> Any:
        if name not in self._fields:
            raise self.error(f"{name} is missing")
        return self._fields[name]
