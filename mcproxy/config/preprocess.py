r"""JSONM: macros, constants and built-ins of a config, expanded to plain JSON.

    "%x%"               the value of x: a parameter, else a constant, else a global; of its own type if it is all
                        of the string, otherwise spliced into it
    "@name(a, b)"       a call; arguments may be calls, lists or objects
    {"type": "name"}    a call with named arguments
    "\\@ \\% \\( \\,"   a backslash takes the meaning off the next character

Pure but for `load`, which reads what @import names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mcproxy.config.builtins import BUILTINS, expect, merged, type_name
from mcproxy.config.jsonc import Object, Text, error_at, file_of, line_of, text_like
from mcproxy.config_error import ConfigError

DEPTH_MAX = 250
STEPS_MAX = 500_000

_DEFINITIONS = frozenset({"macroDef", "constDef"})
_OPENING = "[{"


class Scope:
    """The parameters a text can see. A macro's body sees its own only, a special form's those around it too."""

    def __init__(self, values: dict[str, Any] | None = None, outer: Scope | None = None) -> None:
        self.values = values or {}
        self._outer = outer

    def find(self, name: str) -> tuple[Any] | None:
        """The value, in a tuple of one, if there is any."""
        if name in self.values:
            return (self.values[name],)
        return self._outer.find(name) if self._outer is not None else None


@dataclass(slots=True)
class Macro:
    """A macroDef. `defaults` has None, which stands for nothing, for an optional parameter without a value."""

    parameters: list[str]
    defaults: dict[str, Any]
    body: Any


@dataclass(slots=True)
class Constant:
    """A constDef or a global; expanded when it is first asked for."""

    value: Any
    is_expanded: bool = False
    is_expanding: bool = field(default=False, repr=False)


class SpecialForm(NamedTuple):
    """A built-in that expands its arguments itself. Without `parameters` it can only be written as an object."""

    expand: Callable[[Preprocessor, dict[str, Any], Scope], Any]
    parameters: tuple[str, ...] = ()
    optional: int = 0


class Preprocessor:
    """Expands one config. `load(path)` is the parsed value of an import, or ConfigError.

    `forms` are the built-ins that expand their arguments themselves.
    """

    def __init__(
        self,
        load: Callable[[str], Any],
        global_values: Mapping[str, Any],
        forms: Mapping[str, SpecialForm],
    ) -> None:
        self.load = load
        self.imported: dict[str, Any] = {}
        self._forms = forms
        self._constants = {name: Constant(value, is_expanded=True) for name, value in global_values.items()}
        self._macros: dict[str, Macro] = {}
        self._depth = 0
        self._steps = 0

    def document(self, parsed: Object) -> Object:
        """The config without its macros and consts. Raises ConfigError."""
        try:
            for name in ("macros", "consts"):
                if name in parsed:
                    self._define_all(self.expand(parsed[name], Scope()))
            plain = Object((name, parsed[name]) for name in parsed if name not in ("macros", "consts"))
            plain.line, plain.file = line_of(parsed), file_of(parsed)
            expanded = self.expand(plain, Scope())
        except RecursionError:
            raise error_at(parsed, "too many nested macros: is there a cycle?") from None
        if not isinstance(expanded, Object):
            raise error_at(parsed, f"the config is {type_name(expanded)}, object expected")
        return expanded

    def expand(self, value: Any, scope: Scope) -> Any:
        """`value` with everything in it expanded. Raises ConfigError."""
        self._depth += 1
        self._steps += 1
        if self._depth > DEPTH_MAX:
            raise error_at(value, "too many nested macros: is there a cycle?")
        if self._steps > STEPS_MAX:
            raise error_at(value, f"the macros make more than {STEPS_MAX} values")
        try:
            if isinstance(value, str):
                return self.expand_text(value, scope)
            if isinstance(value, dict):
                return self._expand_object(value, scope)
            if isinstance(value, list):
                return [self.expand(item, scope) for item in value]
            return value
        except ValueError as error:
            raise error_at(value, str(error)) from None
        finally:
            self._depth -= 1

    # strings

    def expand_text(self, text: str, scope: Scope) -> Any:
        """A call, or a text with parameters. Raises ValueError or ConfigError."""
        if not text.startswith("@"):
            return self._with_parameters(text, scope)
        opened = _unescaped(text, "(")
        if opened is None:
            name, arguments = text[1:], None
        elif not text.endswith(")"):
            raise ValueError(f"no closing bracket for the call {str(text)!r}")
        else:
            name, arguments = text[1:opened], _arguments(text_like(text[opened + 1 : -1], text))
        called = expect(self._with_parameters(text_like(name, text), scope), str, "macro name")
        try:
            return self._call(called, arguments, scope)
        except ValueError as error:
            raise ValueError(f"@{called}: {error}") from None

    def _call(self, name: str, arguments: list[Any] | None, scope: Scope) -> Any:
        given = arguments or []
        if macro := self._macros.get(name):  # a built-in of the same name is hidden
            matched = _matched(tuple(macro.parameters), len(macro.defaults), given)
            return self._apply(macro, {key: self.expand(value, scope) for key, value in matched.items()})
        if form := self._forms.get(name):
            if not form.parameters:
                raise ValueError("is written as an object, not as a call")
            return form.expand(self, _matched(form.parameters, form.optional, given), scope)
        if row := BUILTINS.get(name):
            matched = _matched(row.parameters, row.optional, given)
            return row.call(*[self.expand(value, scope) for value in matched.values()])
        if arguments is None and name in self._constants:
            return self._constant(name)
        raise ValueError("there is no such macro")

    def _with_parameters(self, text: str, scope: Scope) -> Any:
        if "%" not in text and "\\" not in text:
            return text
        pieces: list[str] = []
        at = 0
        while at < len(text):
            if text[at] == "\\":
                pieces.append(text[at + 1 : at + 2])
                at += 2
            elif text[at] != "%":
                pieces.append(text[at])
                at += 1
            else:
                length = _unescaped(text[at + 1 :], "%")
                if length is None:
                    raise ValueError(f"odd number of percent signs in {str(text)!r}")
                name = text[at + 1 : at + 1 + length].replace("\\", "")
                value = self._parameter(name, scope)
                if length + 2 == len(text):
                    return value
                pieces.append(expect(value, str, f"%{name}% inside a string"))
                at += length + 2
        return text_like("".join(pieces), text)

    def _parameter(self, name: str, scope: Scope) -> Any:
        if found := scope.find(name):
            return found[0]
        if name not in self._constants:
            raise ValueError(f"%{name}% is not defined")
        return self._constant(name)

    def is_defined(self, name: str, scope: Scope) -> bool:
        """Whether %name% has a value."""
        return scope.find(name) is not None or name in self._constants

    def _constant(self, name: str) -> Any:
        constant = self._constants[name]
        if constant.is_expanding:
            raise ValueError(f"constant {name} contains itself")
        if not constant.is_expanded:
            constant.is_expanding = True
            constant.value = self.expand(constant.value, Scope())
            constant.is_expanded, constant.is_expanding = True, False
        return constant.value

    # objects

    def _expand_object(self, node: dict[str, Any], scope: Scope) -> Any:
        kind = self.expand(node["type"], scope) if "type" in node else None
        if isinstance(kind, str):
            if kind in _DEFINITIONS:
                return node
            form, row, macro = self._forms.get(kind), BUILTINS.get(kind), self._macros.get(kind)
            try:
                if macro is not None:
                    named = self._named(node, tuple(macro.parameters), len(macro.defaults), scope)
                    return self._apply(macro, named)
                if form is not None:
                    return form.expand(self, {name: node[name] for name in node if name != "type"}, scope)
                if row is not None:
                    given = self._named(node, row.parameters, row.optional, scope)
                    return row.call(*given.values())
            except ValueError as error:
                raise error_at(node, f"{kind}: {error}") from None
        result = Object()
        result.line, result.file = line_of(node), file_of(node)
        for name, value in node.items():
            expanded = expect(self.expand(name, scope), str, "the expanded name of a field")
            result[expanded] = self.expand(value, scope)
        return result

    def _named(self, node: dict[str, Any], names: tuple[str, ...], optional: int, scope: Scope) -> dict[str, Any]:
        for name in names[: len(names) - optional]:
            if name not in node:
                raise ValueError(f"{name} is missing")
        return {name: self.expand(node[name], scope) for name in names if name in node}

    def _apply(self, macro: Macro, given: dict[str, Any]) -> Any:
        values = dict(given)
        for name, default in macro.defaults.items():
            if name not in values and default is not None:
                values[name] = self.expand(default, Scope(given))
        return self.expand(macro.body, Scope(values))

    # definitions

    def _define_all(self, definitions: Any) -> None:
        """An object of name → definition, or a list of such objects or of definitions with a name."""
        if isinstance(definitions, list):
            for item in definitions:
                if isinstance(item, dict) and "result" in item and isinstance(item.get("name"), str):
                    self._define(item["name"], item)
                else:
                    self._define_all(item)
        elif isinstance(definitions, dict):
            for name, definition in definitions.items():
                self._define(name, definition)
        else:
            raise ConfigError("macros and consts are objects or lists of objects")

    def _define(self, name: str, definition: Any) -> None:
        kind = definition.get("type") if isinstance(definition, dict) else None
        if not isinstance(kind, str) or kind not in _DEFINITIONS:
            raise error_at(name, f"macro {name}: a macroDef or a constDef is expected", f"macros.{name}")
        if "result" not in definition:
            raise error_at(name, f"macro {name}: result is missing", f"macros.{name}")
        if kind == "constDef":
            self._constants[name] = Constant(definition["result"])
            return
        try:
            self._macros[name] = _macro(definition)
        except ValueError as error:
            raise error_at(name, f"macro {name}: {error}", f"macros.{name}") from None


def _macro(definition: dict[str, Any]) -> Macro:
    macro = Macro([], {}, definition["result"])
    for parameter in expect(definition.get("params", []), list, "params"):
        name = parameter.get("name") if isinstance(parameter, dict) else parameter
        name = expect(name, str, "name of a parameter")
        is_optional = isinstance(parameter, dict) and ("default" in parameter or bool(parameter.get("optional")))
        if macro.defaults and not is_optional:
            raise ValueError(f"{name} comes after a parameter with a default, so it needs one too")
        if name in macro.parameters:
            raise ValueError(f"two parameters are called {name}")
        macro.parameters.append(name)
        if is_optional:
            macro.defaults[name] = parameter.get("default")
    return macro


def _matched(names: tuple[str, ...], optional: int, given: list[Any]) -> dict[str, Any]:
    if not len(names) - optional <= len(given) <= len(names):
        raise ValueError(f"{len(given)} arguments for ({', '.join(names)})")
    return dict(zip(names, given, strict=False))


def _unescaped(text: str, wanted: str) -> int | None:
    at = 0
    while at < len(text):
        if text[at] == wanted:
            return at
        at += 2 if text[at] == "\\" else 1
    return None


def _arguments(text: Text) -> list[Any]:
    """The arguments between a call's brackets, unexpanded. Raises ValueError."""
    arguments: list[Any] = []
    at = 0
    while True:
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = _json_at(text, at) or _text_at(text, at)
        arguments.append(_placed(value, text))
        if at >= len(text):
            return arguments
        at += 1  # the comma


def _json_at(text: str, at: int) -> tuple[Any, int] | None:
    """A list or object that is a whole argument."""
    if text[at : at + 1] not in _OPENING or at == len(text):
        return None
    try:
        value, end = json.JSONDecoder().raw_decode(text, at)
    except ValueError:
        return None
    end += len(text[end:]) - len(text[end:].lstrip())
    return (value, end) if end == len(text) or text[end] == "," else None


def _text_at(text: str, start: int) -> tuple[str, int]:
    depth, at = 0, start
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == "," and depth == 0:
            break
        depth += (text[at] == "(") - (text[at] == ")")
        if depth < 0:
            break
        at += 1
    if depth:
        raise ValueError(f"brackets do not match in {str(text)!r}")
    piece = text[start:at]
    stripped = piece.rstrip()
    return (piece if stripped.endswith("\\") else stripped), at


def _placed(value: Any, origin: Text) -> Any:
    """What an argument's text was parsed to, with the place of the call."""
    if isinstance(value, str):
        return text_like(value, origin)
    if isinstance(value, list):
        return [_placed(item, origin) for item in value]
    if isinstance(value, dict):
        return merged([text_object(origin), {name: _placed(item, origin) for name, item in value.items()}])
    return value


def text_object(origin: object) -> Object:
    """An empty object with the place of `origin`."""
    made = Object()
    made.line, made.file = line_of(origin), file_of(origin)
    return made
