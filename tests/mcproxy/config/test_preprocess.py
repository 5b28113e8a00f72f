"""JSONM: calls, parameters, constants, escapes; and the forms that expand their arguments themselves."""

import pytest

from mcproxy.config import preprocess
from mcproxy.config.jsonc import line_of, parse
from mcproxy.config.preprocess import Preprocessor
from mcproxy.config.special_forms import SPECIAL_FORMS
from mcproxy.config_error import ConfigError

FILES = {"a.json": '{"x": "%g%"}', "bad.json": "{"}


def load(path):
    if path not in FILES:
        raise ConfigError(f"Can not read config: {path}: No such file or directory")
    return parse(FILES[path], path)


def expanded(value, macros="{}"):
    """The value of `v` in a config with these macros."""
    jsonm = Preprocessor(load, {"g": "global", "n": 7}, SPECIAL_FORMS)
    return jsonm.document(parse(f'{{"macros": {macros},\n"v": {value}}}'))["v"]


PAIR = '{"pair": {"type": "macroDef", "params": ["a", {"name": "b", "default": "%a%"}], "result": ["%a%", "%b%"]}}'
OPTIONAL = (
    '{"o": {"type": "macroDef", "params": [{"name": "a", "optional": true}],'
    ' "result": {"type": "if", "condition": "@defined(a)", "is_true": "%a%", "is_false": "none"}}}'
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"plain"', "plain"),
        ('"%g%"', "global"),
        ('"%n%"', 7),
        ('"a%g%b%g%"', "aglobalbglobal"),
        (r'"\\@x \\% \\\\"', "@x % \\"),
        ('"@add(%n%,%n%)"', 14),
        ('"@str(@add(@int(1), @int(2)))"', "3"),
        ('"@split(a b,\\\\ )"', ["a", "b"]),
        ('"@size([1, 2, {\\"a\\": 3}])"', 3),
        ('"@size([::1)"', 4),
        ('"@if(@isInt(%n%),yes,@fail(no))"', "yes"),
        ('"@select([1,2],@int(-1))"', 2),
        ('"@select([1,2],@int(2),gone)"', "gone"),
        ('"@defined(g)"', True),
        ('"@defined(nothing)"', False),
        ('"@import(a.json)"', {"x": "global"}),
        ('"@import(none.json,@int(3))"', 3),
        ('{"a%g%": [1, "%n%", null, 0.5]}', {"aglobal": [1, 7, None, 0.5]}),
        ('{"type": "PoolRoute", "pool": "%g%"}', {"type": "PoolRoute", "pool": "global"}),
        ('{"type": "add", "A": 1, "B": 2}', 3),
        ('{"type": "%g%"}', {"type": "global"}),
        ('{"type": "if", "condition": false, "is_true": "@fail(x)", "is_false": 2}', 2),
        ('{"type": "define", "vars": {"a": 1}, "result": ["%a%", "%g%"]}', [1, "global"]),
        ('{"type": "transform", "dictionary": [1, 2], "itemTransform": "@add(%item%,%key%)"}', [1, 3]),
        ('{"type": "transform", "dictionary": {"a": 1}, "keyTranform": "%key%%g%"}', {"aglobal": 1}),
        ('{"type": "transform", "dictionary": {"a": 1}, "keyTransform": ["x", "y"]}', {"x": 1, "y": 1}),
        ('{"type": "transform", "dictionary": {"a": 1}, "keyTransform": []}', {}),
        (
            '{"type": "process", "dictionary": {"a": 1, "b": 2}, "initialValue": "", "transform": "%value%%key%"}',
            "ab",
        ),
        ('{"type": "foreach", "from": [1, 2, 3], "where": "@less(%item%,@int(3))"}', [1, 2]),
        ('{"type": "foreach", "from": [1, 2, 3], "top": 2}', [1, 2]),
        ('{"type": "foreach", "from": {"a": 1, "b": 2}, "use": ["%key%"]}', ["a", "b"]),
        ('{"type": "foreach", "from": {"a": 1}, "where": false, "noMatchResult": "none"}', "none"),
        ('{"type": "foreach", "from": {"a": 1}, "where": false}', {}),
    ],
)
def test_what_it_becomes(value, expected):
    assert expanded(value) == expected


@pytest.mark.parametrize(
    ("value", "macros", "expected"),
    [
        ('"@pair(1)"', PAIR, ["1", "1"]),
        ('"@pair(1, x y )"', PAIR, ["1", "x y"]),
        ('{"type": "pair", "a": 1, "b": [2]}', PAIR, [1, [2]]),
        ('"@pair([1,2],{\\"k\\": \\"%g%\\"})"', PAIR, [[1, 2], {"k": "global"}]),
        ('{"type": "o"}', OPTIONAL, "none"),
        ('{"type": "o", "a": 5}', OPTIONAL, 5),
        ('["@c", "%c%"]', '{"c": {"type": "constDef", "result": "@add(%n%,@int(1))"}}', [8, 8]),
        ('"@add(1)"', '{"add": {"type": "macroDef", "params": ["x"], "result": "mine %x%"}}', "mine 1"),
        ('"@m"', '[{"m": {"type": "macroDef", "result": 5}}]', 5),
        ('"@m"', '[{"type": "macroDef", "name": "m", "result": 6}]', 6),
        ('"@m(1)"', '{"m": {"type": "macroDef", "params": ["n"], "result": "%n%"}}', "1"),
    ],
)
def test_macros_of_the_config(value, macros, expected):
    assert expanded(value, macros) == expected


def test_a_macros_body_does_not_see_its_callers_parameters():
    macros = """{"outer": {"type": "macroDef", "params": ["x"], "result": "@inner()"},
                 "inner": {"type": "macroDef", "params": ["y"], "result": "%x%"}}"""
    with pytest.raises(ConfigError, match="%x% is not defined"):
        expanded('"@outer(1)"', macros)


def test_what_is_made_knows_where_it_was_written():
    value = expanded('"%g%x",\n"w": "@pair(1)"', PAIR)
    assert (value, line_of(value)) == ("globalx", 2)
    jsonm = Preprocessor(load, {}, SPECIAL_FORMS)
    document = jsonm.document(parse(f'{{"macros": {PAIR},\n\n"v": {{"type": "pair",\n "a": "y"}}}}'))
    assert line_of(document["v"][0]) == 4


@pytest.mark.parametrize("value", ['"@import(bad.json)"', '["@import(bad.json,1)"]'])
def test_a_broken_import_is_no_missing_one(value):
    with pytest.raises(ConfigError) as caught:
        expanded(value)
    assert (caught.value.file, caught.value.line) == ("bad.json", 1)


def test_much_from_little_is_refused(monkeypatch):
    monkeypatch.setattr(preprocess, "STEPS_MAX", preprocess.STEPS_MAX // 50)  # as good, and sooner
    doubling = ", ".join(
        f'"m{n}": {{"type": "macroDef", "result": ["@m{n - 1}", "@m{n - 1}"]}}' for n in range(1, 40)
    )
    with pytest.raises(ConfigError, match="the macros make more than"):
        expanded('"@m39"', f'{{"m0": {{"type": "macroDef", "result": 0}}, {doubling}}}')
