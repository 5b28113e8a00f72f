import json

import pytest

from mcproxy.runtime_vars import RuntimeVars
from tests.support.running_proxy import running_proxy, until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "vars.json"


def loaded(path, text):
    path.write_text(text)
    variables = RuntimeVars(path)
    variables.load()
    return variables


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"key_fraction_range_b": [0.1, 0.5]}, (0.1, 0.5)),
        ({"key_fractions": {"b": 0.25}}, (0.0, 0.25)),
        ({"key_fractions": {"b": 0.25}, "key_fraction_range_b": [0, 1]}, (0.0, 1.0)),
        ({"other": [0, 1]}, None),
        ({"key_fraction_range_b": [0.5, 0.1]}, None),
        ({"key_fraction_range_b": [0, 2]}, None),
        ({"key_fraction_range_b": [0]}, None),
        ({"key_fraction_range_b": ["0", "1"]}, None),
        ({"key_fractions": {"b": "much"}}, None),
        ({"key_fractions": 5}, None),
        ({}, None),
    ],
)
def test_ranges(path, values, expected):
    assert loaded(path, json.dumps(values)).key_fraction_range("key_fraction_range_b") == expected


@pytest.mark.parametrize("text", ["", "{", "[]", None])
def test_a_broken_file_changes_nothing(path, text, caplog):
    variables = loaded(path, '{"x": [0, 1]}')
    path.unlink() if text is None else path.write_text(text)
    variables.load()
    assert variables.key_fraction_range("x") == (0.0, 1.0)
    assert "those in force stay" in caplog.text


def test_without_a_file():
    variables = RuntimeVars()
    variables.load()
    assert variables.key_fraction_range("x") is None


async def test_the_proxy_follows_the_file(path):
    path.write_text('{"x": [0, 0.5]}')
    words = "--config", '{"route": "NullRoute"}', "--runtime-vars-file", str(path)
    async with running_proxy(*words, "--file-observer-poll-period-ms", "5") as running:
        variables = running.proxy._configuration._context.runtime_vars
        assert variables.key_fraction_range("x") == (0.0, 0.5)
        path.write_text('{"x": [0, 1], "y": [0, 0]}')
        await until(lambda: variables.key_fraction_range("x") == (0.0, 1.0))
