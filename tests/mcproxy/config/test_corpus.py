"""Every valid file is taken, every invalid one refused with the line, path and words in its first three lines."""

import re
from pathlib import Path

import pytest

from mcproxy.config.builder import build_document
from mcproxy.config.document import load
from mcproxy.config.environment import of_settings
from mcproxy.config.source import Reading, Source
from mcproxy.config_error import ConfigError
from mcproxy.offline import offline_context
from mcproxy.routes import ROUTE_HANDLES
from mcproxy.settings import Settings
from mcproxy.upstream.destination import UpstreamOptions

HERE = Path(__file__).parent / "corpus"
SCHEMA = Path(__file__).parents[3] / "docs" / "mcproxy-config.schema.json"
VALID = sorted((HERE / "valid").iterdir())
INVALID = sorted((HERE / "invalid").iterdir())


def build(path, destinations):
    environment = of_settings(Settings(), 7)
    document = load(Reading(Source(path)), environment)
    return build_document(document, destinations, UpstreamOptions(), offline_context(), environment)


def expectation(path):
    """The first three lines of an invalid file."""
    lines = path.read_text().split("\n")
    return [re.fullmatch(rf"(?://|#) {name}: (.*)", lines[at])[1] for at, name in enumerate(("line", "path", "error"))]


def test_there_are_enough_of_both():
    assert len(VALID) >= 60
    assert len(INVALID) >= 60


def test_every_route_handle_is_in_a_valid_file():
    text = "".join(path.read_text() for path in VALID)
    assert [name for name in ROUTE_HANDLES if name not in text] == []


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_config_is_taken(path, destinations):
    assert build(path, destinations).root is not None


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_config_is_refused_with_its_place(path, destinations):
    line, where, words = expectation(path)
    with pytest.raises(ConfigError) as caught:
        build(path, destinations)
    assert words in caught.value.text
    if line != "None":
        assert caught.value.line == int(line)
    if where != "None":
        assert caught.value.path == where


def test_a_mistake_in_an_imported_file_names_that_file(destinations):
    with pytest.raises(ConfigError) as caught:
        build(HERE / "invalid" / "import_broken.json", destinations)
    assert caught.value.file.endswith("imported/broken.json")
