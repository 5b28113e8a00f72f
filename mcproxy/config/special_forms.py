"""The built-ins of JSONM that take their arguments unexpanded: conditions, loops, definitions, imports.

{"type": "if", "condition": C, "is_true": A, "is_false": B}
{"type": "transform", "dictionary": D, "itemTransform": I, "keyTransform": K}       %key%, %item%
{"type": "process", "dictionary": D, "initialValue": V, "transform": T}             %key%, %item%, %value%
{"type": "foreach", "from": D, "where": W, "use": U, "top": N, "noMatchResult": R}  %key%, %item%
{"type": "define", "vars": {"a": 1}, "result": R}
@select(D, key, default)   @defined(name)   @import(path, default)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcproxy.config.builtins import expect, merged
from mcproxy.config.preprocess import Preprocessor, Scope, SpecialForm
from mcproxy.config_error import ConfigError


def _required(given: dict[str, Any], name: str) -> Any:
    if name not in given:
        raise ValueError(f"{name} is missing")
    return given[name]


def _name(given: dict[str, Any], field: str, default: str) -> str:
    return str(expect(given.get(field, default), str, field))


def _entries(dictionary: dict[str, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return dictionary.items() if isinstance(dictionary, dict) else enumerate(dictionary)


def _if(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    condition = expect(jsonm.expand(_required(given, "condition"), scope), bool, "condition")
    return jsonm.expand(_required(given, "is_true" if condition else "is_false"), scope)


def _select(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    dictionary = jsonm.expand(_required(given, "dictionary"), scope)
    key = jsonm.expand(_required(given, "key"), scope)
    if isinstance(expect(dictionary, (dict, list), "dictionary"), dict):
        found = (dictionary[key],) if expect(key, str, "key") in dictionary else None
    else:
        size = len(dictionary)
        found = (dictionary[key],) if -size <= expect(key, int, "key") < size else None
    if found is not None:
        return found[0]
    if "default" not in given:
        raise ValueError(f"{key!r} is not found, and there is no default")
    return jsonm.expand(given["default"], scope)


def _defined(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> bool:
    name = expect(_required(given, "value"), str, "value")
    return jsonm.is_defined(name.removeprefix("%").removesuffix("%"), scope)


def _import(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    path = str(expect(jsonm.expand(_required(given, "path"), scope), str, "path"))
    if path not in jsonm.imported:
        try:
            loaded = jsonm.load(path)
        except ConfigError as error:
            if error.line:
                raise
            if "default" not in given:
                raise ValueError(error.text) from None
            return jsonm.expand(given["default"], scope)
        jsonm.imported[path] = jsonm.expand(loaded, Scope())
    return jsonm.imported[path]


def _transform(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    dictionary = expect(jsonm.expand(_required(given, "dictionary"), scope), (dict, list), "dictionary")
    names = _name(given, "keyName", "key"), _name(given, "itemName", "item")
    # the first is how mcrouter's own documentation spells it
    items = given.get("itemTranform", given.get("itemTransform"))
    keys = given.get("keyTranform", given.get("keyTransform"))
    if isinstance(dictionary, list):
        if items is None:
            raise ValueError("itemTransform is missing")
        return [jsonm.expand(items, _inner(scope, names, entry)) for entry in _entries(dictionary)]
    result = merged([dictionary])
    result.clear()
    for key, item in dictionary.items():
        inner = _inner(scope, names, (key, item))
        new_keys = key if keys is None else jsonm.expand(keys, inner)
        value = item if items is None else jsonm.expand(items, inner)
        for new_key in [new_keys] if isinstance(new_keys, str) else expect(new_keys, list, "transformed key"):
            result[expect(new_key, str, "transformed key")] = value
    return result


def _inner(scope: Scope, names: tuple[str, ...], values: tuple[Any, ...]) -> Scope:
    return Scope(dict(zip(names, values, strict=True)), scope)


def _process(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    dictionary = expect(jsonm.expand(_required(given, "dictionary"), scope), (dict, list), "dictionary")
    value = jsonm.expand(_required(given, "initialValue"), scope)
    names = _name(given, "keyName", "key"), _name(given, "itemName", "item"), _name(given, "valueName", "value")
    transform = _required(given, "transform")
    for key, item in _entries(dictionary):
        value = jsonm.expand(transform, _inner(scope, names, (key, item, value)))
    return value


def _foreach(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    source = expect(jsonm.expand(_required(given, "from"), scope), (dict, list), "from")
    names = _name(given, "key", "key"), _name(given, "item", "item")
    top = expect(jsonm.expand(given.get("top", len(source)), scope), int, "top")
    if top < 0:
        raise ValueError("top is below 0")
    parts: list[Any] = []
    for key, item in _entries(source):
        if len(parts) == top:
            break
        inner = _inner(scope, names, (key, item))
        if "where" in given and not expect(jsonm.expand(given["where"], inner), bool, "where"):
            continue
        if "use" in given:
            parts.append(expect(jsonm.expand(given["use"], inner), (dict, list), "use"))
        else:
            parts.append({key: item} if isinstance(source, dict) else [item])
    if not parts:
        return jsonm.expand(given["noMatchResult"], scope) if "noMatchResult" in given else type(source)()
    return _joined(parts)


def _joined(parts: list[Any]) -> Any:
    kind = dict if isinstance(parts[0], dict) else list
    for part in parts:
        expect(part, kind, "use")
    return merged(parts) if kind is dict else [item for part in parts for item in part]


def _define(jsonm: Preprocessor, given: dict[str, Any], scope: Scope) -> Any:
    values = expect(jsonm.expand(_required(given, "vars"), scope), dict, "vars")
    return jsonm.expand(_required(given, "result"), Scope(dict(values), scope))


SPECIAL_FORMS: dict[str, SpecialForm] = {
    "define": SpecialForm(_define),
    "defined": SpecialForm(_defined, ("value",)),
    "foreach": SpecialForm(_foreach),
    "if": SpecialForm(_if, ("condition", "is_true", "is_false")),
    "import": SpecialForm(_import, ("path", "default"), optional=1),
    "process": SpecialForm(_process),
    "select": SpecialForm(_select, ("dictionary", "key", "default"), optional=1),
    "transform": SpecialForm(_transform),
}
