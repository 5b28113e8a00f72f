"""A config written in YAML, read to what jsonc.parse gives: every string and object knows its line.

Plain words are what they would be in JSON, and strings otherwise: `yes`, `1:30` and `2026-01-01` are strings. So
a config means the same in both notations.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import yaml

from mcproxy.config.jsonc import Object, Text, number_of, text_of
from mcproxy.config_error import ConfigError

T = TypeVar("T")

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_DEPTH_MAX = 200
_VALUES_MAX = 2_000_000  # aliases can make much of little


def parse(text: str, file: str = "") -> Any:
    """The value in `text`, read from `file`. Raises ConfigError with the line of the first mistake."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"invalid YAML: {error.problem}", mark.line + 1 if mark else 0, file=file) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"invalid YAML: {error}", file=file) from None
    if node is None:
        raise ConfigError("invalid YAML: the text is empty", 1, file=file)
    return _Reader(file).value(node, 0)


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        self._count += 1
        if depth > _DEPTH_MAX or self._count > _VALUES_MAX:
            raise self._error(node, "nested too deep, or too many values")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._object(node, depth)
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _object(self, node: yaml.MappingNode, depth: int) -> Object:
        members = Object()
        members.line, members.file = node.start_mark.line + 1, self._file
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, "the name of a field is a string")
            name = self._text(key)
            if name in members:
                raise self._error(key, f'"{name}" is given twice')
            members[name] = self.value(value, depth + 1)
        return members

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = str(node.value)
        if node.style is None:
            if text in _WORDS:
                return _WORDS[text]
            if _NUMBER.fullmatch(text):
                return self._checked(node, number_of)
        return self._text(node)

    def _text(self, node: yaml.Node) -> Text:
        text = self._checked(node, text_of)
        text.line, text.file = node.start_mark.line + 1, self._file
        return text

    def _checked(self, node: yaml.Node, read: Callable[[str], T]) -> T:
        try:
            return read(node.value)
        except ValueError as error:
            raise self._error(node, str(error)) from None

    def _error(self, node: yaml.Node, text: str) -> ConfigError:
        return ConfigError(f"invalid YAML: {text}", node.start_mark.line + 1, file=self._file)
