import json
import logging
from pathlib import Path

import pytest

from mcproxy.config.document import load
from mcproxy.config.environment import Environment
from mcproxy.config.route_fields import POOL_FIELDS, ROUTE_FIELDS, unknown_fields
from mcproxy.config.source import Reading, Source
from mcproxy.routes import ROUTE_HANDLES

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "mcproxy-config.schema.json").read_text())


def loaded(text, caplog):
    with caplog.at_level(logging.WARNING):
        load(Reading(Source(text=text)), Environment())
    return caplog.messages


def test_every_route_has_a_row_as_in_the_schema():
    described = {
        each["if"]["properties"]["type"]["const"]: each["then"]["properties"].keys() - {"type", "name"}
        for each in SCHEMA["$defs"]["routeObject"]["allOf"]
    }
    assert {"Pool": described["Pool"], **ROUTE_FIELDS} == described
    assert ROUTE_FIELDS.keys() == ROUTE_HANDLES.keys()


def test_pools_have_the_fields_of_the_schema():
    assert SCHEMA["$defs"]["pool"]["anyOf"][0]["properties"].keys() - {"name"} == POOL_FIELDS


def test_a_misspelled_field_of_a_pool_is_told(caplog):
    text = """{
      "pools": {"A": {"servers": ["h:1"],
                      "server_timout": 3}, "B": {"inherit": "A", "weight": [1]}},
      "route": {"type": "PoolRoute", "pool": {"name": "C", "servers": [], "x": 1}}
    }"""
    assert loaded(text, caplog) == [
        "a pool has no field server_timout: it is ignored line: 3 at: pools.A.server_timout",
        "a pool has no field weight: it is ignored line: 3 at: pools.B.weight",
        "a pool has no field x: it is ignored line: 4 at: route.pool.x",
    ]


def test_a_misspelled_field_is_told_with_its_place_and_refuses_nothing(caplog):
    text = """{
      "route": {"type": "WarmUpRoute", "cold": "NullRoute", "warm": "NullRoute",
                "exptme": 60}
    }"""
    assert loaded(text, caplog) == ["WarmUpRoute has no field exptme: it is ignored line: 3 at: route.exptme"]


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ('"route": {"type": "AllSyncRoute", "children": ["NullRoute", %s]}', "route.children[1].x"),
        ('"routes": [{"aliases": ["/././"], "route": %s}]', "routes[0].route.x"),
        ('"route": "n", "named_handles": {"n": %s}', "named_handles.n.x"),
        (
            '"route": {"type": "ShadowRoute", "children": "NullRoute", "shadows": [{"target": %s}]}',
            "shadows[0].target.x",
        ),
        ('"macros": {"m": {"type": "macroDef", "result": %s}}, "route": "@m"', "route.x"),
    ],
)
def test_wherever_the_route_is(where, path, caplog):
    [message] = loaded("{%s}" % (where % '{"type": "NullRoute", "x": 1, "name": "n"}'), caplog)
    assert message.startswith("NullRoute has no field x: it is ignored line: 1 at: ")
    assert message.endswith(path)


def test_one_part_in_many_places_is_told_once():
    route = {"type": "NullRoute", "x": 1}
    document = {"route": {"type": "AllSyncRoute", "children": [route, route]}}
    assert len(list(unknown_fields(document))) == 1


@pytest.mark.parametrize(
    "document",
    [
        {"route": {"type": "NullRoute", "name": "n"}},
        {
            "route": {
                "type": "FailoverRoute",
                "children": [],
                "failover_policy": {"type": "LeastFailuresPolicy", "y": 1},
            }
        },
        {"route": {"type": "NoSuchRoute", "x": 1}},
        {"route": {"type": ["NullRoute"], "x": 1}},
    ],
)
def test_what_is_not_told(document):
    assert not list(unknown_fields(document))
