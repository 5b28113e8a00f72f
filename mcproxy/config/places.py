"""Lines for mistakes in values that know none: a number's is that of its name, an entry's that of its list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mcproxy.config.jsonc import Object, file_of, line_of
from mcproxy.config_error import ConfigError

_INDEX = re.compile(r"\[([0-9]+)\]")


@contextmanager
def placed_in(document: Object) -> Iterator[None]:
    """A ConfigError that comes through here without a line gets the one that its path leads to."""
    try:
        yield
    except ConfigError as error:
        if not error.line:
            origin = _origin_of(document, error.path)
            error.line, error.file = line_of(origin), file_of(origin)
        raise


def _origin_of(document: Object, path: str) -> object:
    """The value at `path`, or the last thing on the way that knows its line."""
    node: Any = document
    origin: object = document
    while path:
        step = _step(node, path)
        if step is None:
            break
        name, node, path = step
        origin = next((value for value in (node, name) if line_of(value)), origin)
    return origin


def _step(node: Any, path: str) -> tuple[object, Any, str] | None:
    """(name, value, rest of the path) one level down; a name may have dots and brackets in it."""
    if isinstance(node, dict):
        path = path.removeprefix(".")
        fitting = [name for name in node if path == name or path.startswith((f"{name}.", f"{name}["))]
        if not fitting:
            return None
        name = max(fitting, key=len)
        return name, node[name], path[len(name) :]
    index = _INDEX.match(path)
    if not isinstance(node, list) or index is None or int(index[1]) >= len(node):
        return None
    return None, node[int(index[1])], path[index.end() :]
