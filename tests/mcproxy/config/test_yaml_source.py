import pytest

from mcproxy.config import yaml_source
from mcproxy.config.jsonc import line_of
from mcproxy.config.jsonc import parse as parse_json
from mcproxy.config.yaml_source import parse
from mcproxy.config_error import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: 0.5\nc: -1e3", {"a": 1, "b": 0.5, "c": -1000.0}),
        ("a: true\nb: null\nc: ~\nd:", {"a": True, "b": None, "c": None, "d": None}),
        ("a: yes\nb: 1:30\nc: 2026-01-01", {"a": "yes", "b": "1:30", "c": "2026-01-01"}),
        ("d: 0x10\ne: 007", {"d": "0x10", "e": "007"}),
        ("a: '1'\nb: \"true\"", {"a": "1", "b": "true"}),
        ("a: [10.0.0.1:11211, \"[::1]:5\"]", {"a": ["10.0.0.1:11211", "[::1]:5"]}),
        ("1: x", {"1": "x"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ('{"route": "NullRoute"}', {"route": "NullRoute"}),
    ],
)
def test_it_means_what_it_would_in_json(text, value):
    assert parse(text) == value


def test_lines_and_file():
    value = parse("a:\n  - b\n  - c: d\n", "x.yaml")
    assert (line_of(value["a"][0]), line_of(value["a"][1]), line_of(value["a"][1]["c"])) == (2, 3, 3)
    assert value["a"][0].file == "x.yaml"
    assert parse_json('{"a": ["b", {"c": "d"}]}') == value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "the text is empty"),
        ("a: [", 1, "invalid YAML"),
        ("a: 1\na: 2", 2, '"a" is given twice'),
        ("? [1]\n: 2", 1, "the name of a field is a string"),
        ("a: \tx: y", 1, "invalid YAML"),
        ("a: &x [*x]", 1, "nested too deep"),
        ("a: 1\n--- \nb: 2", 2, "invalid YAML"),
    ],
)
def test_mistakes(text, line, words):
    with pytest.raises(ConfigError) as caught:
        parse(text, "x.yaml")
    assert words in caught.value.text
    assert (caught.value.line, caught.value.file) == (line, "x.yaml")


def test_much_from_little_is_refused(monkeypatch):
    monkeypatch.setattr(yaml_source, "_VALUES_MAX", yaml_source._VALUES_MAX // 50)  # as good, and sooner
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]\n" for n in range(1, 8))
    with pytest.raises(ConfigError, match="too many values"):
        parse(text)
