"""JSON with `//` and `/* */` comments and trailing commas, where every string and object knows its line.

mcrouter's configs are written so, and an error is of use only with the line it is on. Pure.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, NoReturn

from mcproxy.config_error import ConfigError

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_DEPTH_MAX = 200


class Text(str):
    """A string, its line and file."""

    __slots__ = ("file", "line")
    line: int
    file: str


class Object(dict[str, Any]):
    """An object, its line and file; a name given twice is an error."""

    __slots__ = ("file", "line")
    line: int
    file: str


def parse(text: str, file: str = "") -> Any:
    """The value in `text`, read from `file`. Raises ConfigError with the line of the first mistake."""
    return _Parser(text, file).document()


def number_of(text: str) -> int | float:
    """A number of JSON. ValueError for one that no double comes near to."""
    value: int | float = float(text)
    if not isfinite(value):
        raise ValueError(f"the number {text[:40]} is too great")
    return int(text) if text.lstrip("-").isdigit() else value


def text_of(text: str) -> Text:
    """A string, still without its place. ValueError for half a surrogate pair: it has no bytes to go to servers as."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{text[:40]!a} is not Unicode text") from None
    return Text(text)


def line_of(value: object) -> int:
    """The line of a parsed string or object, else 0."""
    return getattr(value, "line", 0)


def file_of(value: object) -> str:
    """The file of a parsed string or object, else an empty text."""
    return getattr(value, "file", "")


def text_like(text: str, origin: object) -> Text:
    """`text` with the place of the value that it was made from."""
    made = Text(text)
    made.line, made.file = line_of(origin), file_of(origin)
    return made


def error_at(origin: object, text: str, path: str = "") -> ConfigError:
    """To be raised: `text`, with the place of `origin`."""
    return ConfigError(text, line_of(origin), path, file_of(origin))


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._counted_to, self._line_number = 0, 1
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
        self._line_number += self._text.count("\n", self._counted_to, self._at)
        self._counted_to = self._at
        return self._line_number

    def _fail(self, what: str) -> NoReturn:
        raise ConfigError(f"invalid JSON: {what}", self._line(), file=self._file)

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
            try:
                return number_of(number.group())
            except ValueError as error:
                self._fail(str(error))
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
            text = text_of(json.loads(match.group()))
        except ValueError:
            self._fail(f"a bad escape in {match.group()[:40]!a}")
        text.line, text.file = self._line(), self._file
        self._at = match.end()
        return text

    def _object(self) -> Object:
        members = Object()
        members.line, members.file = self._line(), self._file
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
