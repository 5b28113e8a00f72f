"""The fields of one object of a config, typed: what routes.base.Fields promises."""

from __future__ import annotations

import sys
from math import inf
from typing import Any, Protocol

from mcproxy.config.jsonc import file_of, line_of
from mcproxy.config_error import ConfigError
from mcproxy.hashing import HASH_FUNCTIONS, HashOptions
from mcproxy.routes.base import INTEGER_MAX, Pool, RouteHandle
from mcproxy.routes.context import RouteContext


class Builder(Protocol):
    """What fields are turned into children by. `path` is the value's own, for messages."""

    @property
    def context(self) -> RouteContext:
        """What routes may use while they run."""

    def route(self, node: Any, path: str) -> RouteHandle:
        """One route."""

    def routes(self, node: Any, path: str) -> list[RouteHandle]:
        """A list of routes, flattened."""

    def pool(self, node: Any, path: str) -> Pool:
        """A pool by name, or an object."""


class RouteFields:
    """The fields `given` in a route of type `kind`, or in an object inside it.

    `origin` is the string or object whose place messages name, `path` leads to `given`.
    """

    def __init__(self, builder: Builder, kind: str, given: dict[str, Any], origin: object, path: str) -> None:
        self._builder = builder
        self.kind = kind
        self._given = given
        self.origin = origin
        self.path = path

    @property
    def context(self) -> RouteContext:
        return self._builder.context

    def value(self, name: str) -> Any:
        """What is given, of whatever type; None when nothing is."""
        return self._given.get(name)

    def has(self, name: str) -> bool:
        return name in self._given

    def is_object(self, name: str) -> bool:
        return isinstance(self._given.get(name), dict)

    def names(self) -> list[str]:
        return [str(name) for name in self._given]

    def text(self, name: str, default: str | None = None) -> str:
        value = self._scalar(name, default)
        if not isinstance(value, str):
            raise self.error(f"{name} must be a string", name)
        return str(value)

    def integer(self, name: str, default: int | None = None, low: int = 0, high: int = INTEGER_MAX) -> int:
        value = self._scalar(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(f"{name} must be a whole number", name)
        if name in self._given and not low <= value <= high:
            raise self.error(f"{name} must be {_range(low, high, INTEGER_MAX)}, not {value}", name)
        return value

    def number(self, name: str, default: float | None = None, low: float = 0.0, high: float = inf) -> float:
        value = self._scalar(name, default)
        if not _is_number(value):
            raise self.error(f"{name} must be a number", name)
        if name in self._given and not low <= value <= high:
            raise self.error(f"{name} must be {_range(low, high, inf)}, not {value}", name)
        return float(value)

    def boolean(self, name: str, default: bool | None = None) -> bool:
        value = self._scalar(name, default)
        if not isinstance(value, bool):
            raise self.error(f"{name} must be true or false", name)
        return value

    def texts(self, name: str) -> list[str]:
        value = self._given.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise self.error(f"{name} must be a list of strings", name)
        return [str(item) for item in values]

    def numbers(self, name: str) -> list[float]:
        values = self._given.get(name, [])
        if not isinstance(values, list) or not all(map(_is_number, values)):
            raise self.error(f"{name} must be a list of numbers", name)
        return [float(item) for item in values]

    def object(self, name: str) -> RouteFields | None:
        if name not in self._given:
            return None
        return self._inner(name, self._given[name], self._path_to(name))

    def objects(self, name: str) -> list[RouteFields]:
        values = self._given.get(name, [])
        if not isinstance(values, list):
            raise self.error(f"{name} must be a list of objects", name)
        return [self._inner(name, value, f"{self._path_to(name)}[{at}]") for at, value in enumerate(values)]

    def child(self, name: str) -> RouteHandle:
        return self._builder.route(self._required(name), self._path_to(name))

    def optional_child(self, name: str) -> RouteHandle | None:
        return self.child(name) if name in self._given else None

    def children(self, name: str) -> list[RouteHandle]:
        return self._builder.routes(self._required(name), self._path_to(name))

    def child_map(self, name: str) -> dict[str, RouteHandle]:
        values = self._given.get(name, {})
        if not isinstance(values, dict):
            raise self.error(f"{name} must be an object of routes", name)
        path = self._path_to(name)
        return {str(key): self._builder.route(value, f"{path}.{key}") for key, value in values.items()}

    def pool(self, name: str) -> Pool:
        return self._builder.pool(self._required(name), self._path_to(name))

    def hash(self, name: str, default: str) -> tuple[str, HashOptions]:
        value = self._given.get(name, default) if name else self._given
        settings = value if isinstance(value, dict) else {"hash_func": value}
        function = settings.get("hash_func", default)
        if not isinstance(function, str) or function not in HASH_FUNCTIONS:
            raise self.error(f"unknown hash function: {function}", name or "hash_func")
        fields = RouteFields(self._builder, self.kind, settings, self.origin, self._path_to(name))
        salt, key_hash, hash_tag = (fields.text(option, "") for option in ("salt", "key_hash", "hash_tag"))
        options = HashOptions(salt, tuple(fields.numbers("weights")), key_hash, hash_tag)
        return str(function), options

    def error(self, text: str, name: str = "") -> ConfigError:
        # The name of a field knows its line; a number does not.
        origin = next((key for key in self._given if key == name and line_of(key)), self.origin)
        path = self._path_to(name) if name in self._given else self.path
        return ConfigError(f"{self.kind}: {text}", line_of(origin), path, file_of(origin))

    def _inner(self, name: str, value: Any, path: str) -> RouteFields:
        if not isinstance(value, dict):
            raise self.error(f"{name} must be an object" if path[-1:] != "]" else f"{name} must be objects", name)
        return RouteFields(self._builder, self.kind, value, value, path)

    def _scalar(self, name: str, default: Any) -> Any:
        return self._required(name) if default is None else self._given.get(name, default)

    def _required(self, name: str) -> Any:
        if name not in self._given:
            raise self.error(f"{name} is missing")
        return self._given[name]

    def _path_to(self, name: str) -> str:
        return f"{self.path}.{name}" if name else self.path


def _is_number(value: object) -> bool:
    """Whether it can be a float: macros can make whole numbers that are greater than any."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _range(low: float, high: float, unbounded: float) -> str:
    return f"at least {low}" if high == unbounded else f"from {low} to {high}"
