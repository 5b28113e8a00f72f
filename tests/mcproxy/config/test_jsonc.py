import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcproxy.config.jsonc import line_of, parse
from mcproxy.config_error import ConfigError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 1]))
def test_json_is_read_as_json(value, indent):
    assert parse(json.dumps(value, indent=indent)) == value
    assert parse(json.dumps(value, indent=indent, ensure_ascii=False)) == value


@given(st.text(alphabet='{}[]",:/*\\ \n012-tfn', max_size=40))
def test_any_text_is_a_value_or_a_config_error(text):
    try:
        parse(text)
    except ConfigError as error:
        assert 1 <= error.line <= text.count("\n") + 1


def test_comments_and_trailing_commas():
    text = """
    // of one line
    {"a": [1, 2,], /* of
    several */ "b": "// none /* here */", // at the end
    }
    """
    assert parse(text) == {"a": [1, 2], "b": "// none /* here */"}


def test_lines():
    value = parse('{\n "a": "x",\n "b":\n  {"c": "y"}\n}')
    assert line_of(value) == 1
    assert line_of(value["a"]) == 2
    assert line_of(value["b"]) == 4
    assert line_of(value["b"]["c"]) == 4
    assert line_of(7) == 0


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "ends too early"),
        ('{"a": 1', 1, "comma"),
        ('{"a": 1\n "b": 2}', 2, "comma"),
        ('{\n"a" 1}', 2, "colon"),
        ("{a: 1}", 1, "quotes"),
        ('{"a": 1}\n}', 2, "more text"),
        ('{"a": tru}', 1, "unexpected 't'"),
        ('{"a": "\n"}', 1, "string"),
        ('{"a": 1,\n"a": 2}', 2, "twice"),
        ('["\\u12"]', 1, "escape"),
        ("[" * 300, 1, "deep"),
        ("/* no end", 1, "unexpected"),
        ("[1,,2]", 1, "unexpected"),
    ],
)
def test_mistakes_are_told_with_their_line(text, line, words):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.line == line
    assert words in caught.value.text
