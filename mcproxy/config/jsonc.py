"""JSON with `//` and `/* */` comments and trailing commas, where every string and object knows its line.

mcrouter's configs are written so, and an error is of use only with the line it is on. Pure.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_DEPTH_MAX = 200


class ConfigError(Exception):
    """A config that cannot be used. `line` counts from 1; 0 when no line is to blame."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.line = line

    def __str__(self) -> str:
        return f"{self.text} line: {self.line}" if self.line else self.text


class Text(str):
    """A string and its line."""

    __slots__ = ("line",)
    line: int


class Object(dict[str, Any]):
    """An object and its line; a name given twice is an error."""

    __slots__ = ("line",)
    line: int


def parse(text: str) -> Any:
    """The value in `text`. Raises ConfigError with the line of the first mistake."""
    return _Parser(text).document()


def line_of(value: object) -> int:
    """The line of a parsed string or object, else 0."""
    return getattr(value, "line", 0)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def document(self) -> Any:
        value = self._value()
        self._skip_blank()
        if self._at < len(self._text):
            self._fail("more text after the end")
        return value

    def _skip_blank(self) -> None:
        match = _BLANK.match(self._text, self._at)
        assert match is not None
        self._at = match.end()

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _fail(self, what: str) -> NoReturn:
        raise ConfigError(f"invalid JSON: {what}", self._line())

    def _peek(self) -> str:
        self._skip_blank()
        return self._text[self._at : self._at + 1]

    def _value(self) -> Any:
        first = self._peek()
        if first == "{":
            return self._nested(self._object)
        if first == "[":
            return self._nested(self._array)
        if first == '"':
            return self._string()
        if number := _NUMBER.match(self._text, self._at):
            self._at = number.end()
            return json.loads(number.group())
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        return self._fail(f"unexpected {first!r}" if first else "the text ends too early")

    def _nested(self, read: Any) -> Any:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            self._fail(f"nested more than {_DEPTH_MAX} deep")
        value = read()
        self._depth -= 1
        return value

    def _string(self) -> Text:
        match = _STRING.match(self._text, self._at)
        if match is None:
            self._fail("a string without its end, or with a control character")
        try:
            text = Text(json.loads(match.group()))
        except ValueError:
            self._fail(f"a bad escape in {match.group()[:40]}")
        text.line = self._line()
        self._at = match.end()
        return text

    def _object(self) -> Object:
        members = Object()
        members.line = self._line()
        self._at += 1
        while self._peek() != "}":
            if self._peek() != '"':
                self._fail("a name in quotes is expected")
            name = self._string()
            if name in members:
                self._fail(f'"{name}" is given twice')
            if self._peek() != ":":
                self._fail(f'a colon is expected after "{name}"')
            self._at += 1
            members[name] = self._value()
            self._separator("}")
        self._at += 1
        return members

    def _array(self) -> list[Any]:
        items = []
        self._at += 1
        while self._peek() != "]":
            items.append(self._value())
            self._separator("]")
        self._at += 1
        return items

    def _separator(self, end: str) -> None:
        following = self._peek()
        if following == ",":
            self._at += 1
        elif following != end:
            self._fail(f"a comma or {end} is expected")
