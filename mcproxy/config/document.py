"""From a reading of a config to one plain object: macros expanded, files of pools brought in."""

from __future__ import annotations

import logging
from typing import Any

from mcproxy.config.environment import Environment
from mcproxy.config.jsonc import Object, error_at, file_of, line_of
from mcproxy.config.places import placed_in
from mcproxy.config.preprocess import Preprocessor, Scope
from mcproxy.config.route_fields import unknown_fields
from mcproxy.config.source import Reading
from mcproxy.config.special_forms import SPECIAL_FORMS
from mcproxy.config_error import ConfigError

log = logging.getLogger(__name__)

_TOP_LEVEL = frozenset({"pools", "route", "routes", "named_handles", "routing_options", "$schema"})


def load(reading: Reading, environment: Environment) -> Object:
    """The config as it is now; fields that no route knows are told to the log. Raises ConfigError."""
    parsed = reading.main()
    if not isinstance(parsed, Object):
        raise ConfigError("an object is expected at the top", 1)
    jsonm = Preprocessor(reading.imported, environment.global_values, SPECIAL_FORMS)
    with placed_in(parsed):
        document = jsonm.document(parsed)
    with placed_in(document):
        _bring_in_pools(jsonm, document)
    for unknown in unknown_fields(document):
        log.warning("%s%s", f"{unknown.file}: " if unknown.file else "", unknown)
    return document


def _bring_in_pools(jsonm: Preprocessor, document: Object) -> None:
    for name in document:
        if name not in _TOP_LEVEL:
            raise error_at(name, f'unknown top-level key: "{name}"', name)
    pools = document.setdefault("pools", Object())
    if not isinstance(pools, dict):
        raise ConfigError("pools: an object is expected", path="pools")
    for name, declared in pools.items():
        pools[name] = _pool(jsonm, name, declared)


def _pool(jsonm: Preprocessor, name: str, declared: Any) -> Any:
    """`declared`, unless it is the name of a file with a pool, or inherits from one."""
    path = f"pools.{name}"
    if isinstance(declared, str):
        declared = jsonm.expand(_imported(jsonm, declared, path), Scope())
    parent = declared.get("inherit") if isinstance(declared, dict) else None
    if isinstance(parent, str) and parent.startswith("file:"):
        inherited = jsonm.expand(_imported(jsonm, parent, f"{path}.inherit"), Scope())
        if not isinstance(inherited, dict):
            raise error_at(parent, f"pool {name}: {parent} is not an object", f"{path}.inherit")
        joined = Object({**inherited, **{key: value for key, value in declared.items() if key != "inherit"}})
        joined.line, joined.file = line_of(declared), file_of(declared)
        return joined
    return declared


def _imported(jsonm: Preprocessor, name: str, path: str) -> Any:
    try:
        return jsonm.load(name)
    except ConfigError as error:
        raise error if error.line else error_at(name, error.text, path) from None
