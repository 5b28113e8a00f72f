"""Every valid file is taken, every invalid one refused with the line, path and words in its first three lines."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from mcproxy.config import yaml_source
from mcproxy.config.builder import build_document
from mcproxy.config.document import load
from mcproxy.config.environment import of_settings
from mcproxy.config.jsonc import parse
from mcproxy.config.source import Reading, Source
from mcproxy.config_error import ConfigError
from mcproxy.hashing import HASH_FUNCTIONS
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
def test_a_valid_config_is_taken(path, destinations, caplog):
    assert build(path, destinations).root is not None
    assert not [message for message in caplog.messages if "has no field" in message]


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_config_is_refused_with_its_place(path, destinations):
    line, where, words = expectation(path)
    with pytest.raises(ConfigError) as caught:
        build(path, destinations)
    assert words in caught.value.text
    assert caught.value.line > 0
    if line != "None":
        assert caught.value.line == int(line)
    if where != "None":
        assert caught.value.path == where


def test_a_mistake_in_an_imported_file_names_that_file(destinations):
    with pytest.raises(ConfigError) as caught:
        build(HERE / "invalid" / "import_broken.json", destinations)
    assert caught.value.file.endswith("imported/broken.json")


# The schema describes shapes. Of names of pools and routes, of ranges and macros' values it says nothing.
SHAPE_ERRORS = (
    "both_routes", "error_response", "failover_children", "hash_number", "hash_salt", "hash_unknown", "hash_weights",
    "key_split_all_sync", "migrate_start", "modify_exptime_action", "named_handles_nameless", "named_handles_shape",
    "neither_route", "no_object", "pool_keep_prefix", "pool_missing", "pool_no_object", "pool_no_servers",
    "pool_protocol", "pool_server_number", "pool_servers_text", "pool_timeout_text", "pool_weights_text",
    "pools_no_object", "prefix_selector_policies", "rate_limit_target", "route_internal", "route_no_type",
    "route_number", "route_unknown_inside", "routes_no_list", "routes_without_aliases", "routes_without_route",
    "unknown_top_level", "warm_up_cold", "yaml_route", "macro_definition", "macro_result",
)  # fmt: skip


@pytest.fixture(scope="module")
def schema():
    described = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(described)
    return jsonschema.Draft202012Validator(described)


def parsed(path):
    return (parse if path.suffix == ".json" else yaml_source.parse)(path.read_text())


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_the_schema_takes_a_valid_config(path, schema):
    assert [error.message for error in schema.iter_errors(parsed(path))] == []


@pytest.mark.parametrize("name", SHAPE_ERRORS)
def test_the_schema_refuses_a_wrong_shape(name, schema):
    (path,) = (HERE / "invalid").glob(f"{name}.*")
    assert not schema.is_valid(parsed(path))


def test_the_schema_knows_every_route_handle_and_hash_function():
    definitions = json.loads(SCHEMA.read_text())["$defs"]
    assert set(definitions["routeObject"]["properties"]["type"]["enum"]) == {*ROUTE_HANDLES, "Pool"}
    assert set(definitions["hashName"]["enum"]) == {*HASH_FUNCTIONS, "Latest"}
