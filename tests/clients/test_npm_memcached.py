"""The npm package memcached: every method of its client, in a Node process that runs the calls of a test."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Kind
from tests.support.processes import Server

HERE = Path(__file__).parent / "node"
PATIENCE_S = 60.0
ITEM_MAX = 1 << 20

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not Path(HERE, "node_modules", "memcached").is_dir(),
    reason="node or its package memcached is not installed (tools/node-packages)",
)

INTERNAL = {  # of its parser and its connections; every call goes through them
    "buffer",
    "command",
    "connect",
    "connectionIssue",
    "delegateCallback",
    "makeCallback",
    "multi",
    "rawDataReceived",
}


Calls = list[tuple[list[Any], Any, str | None]]  # [method, argument...], result (... for any), error message


def place(server: Server) -> str:
    return "{}:{}".format(*server.address)


def drive(*servers: Server, calls: list[list[Any]], at_once: bool = False, **options: Any) -> dict[str, Any]:
    """What the script tells of these calls: {methods, replies: [{error, result}]}."""
    order = {"servers": list(map(place, servers)), "options": options, "calls": calls, "atOnce": at_once}
    command = ["node", "--no-deprecation", str(HERE / "calls.js")]
    run = subprocess.run(
        command, input=json.dumps(order), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def as_expected(server: Server, calls: Calls, **options: Any) -> set[str]:
    """Run the calls on an empty cache; the methods that were called."""
    replies = drive(server, calls=[["flush"], *(call for call, _, _ in calls)], **options)["replies"]
    assert replies[0] == {"error": None, "result": [True]}
    for (call, result, error), reply in zip(calls, replies[1:], strict=True):
        assert reply["error"] == error, call
        assert result is ... or reply["result"] == result, call
    return {"flush", *(call[0] for call, _, _ in calls)}


def storing(server: Server) -> set[str]:
    calls: Calls = [
        (["replace", "a", "x", 100], False, "Item is not stored"),
        (["append", "a", "x"], False, "Item is not stored"),
        (["prepend", "a", "x"], False, "Item is not stored"),
        (["add", "a", "b", 100], True, None),
        (["add", "a", "x", 100], False, "Item is not stored"),
        (["append", "a", "c"], True, None),
        (["prepend", "a", "a"], True, None),
        (["get", "a"], "abc", None),
        (["replace", "a", "new", 100], True, None),
        (["set", "a", "newer", 0], True, None),
        (["get", "a"], "newer", None),
    ]
    return as_expected(server, calls)


def compare_and_swap(server: Server) -> set[str]:
    first = {"of": 3, "field": "cas"}
    calls: Calls = [
        (["gets", "a"], None, None),
        (["set", "a", "first", 100], True, None),
        (["gets", "a"], ..., None),
        (["cas", "a", "second", first, 100], True, None),
        (["cas", "a", "lost", first, 100], False, None),
        (["cas", "absent", "lost", first, 100], False, None),
        (["get", "a"], "second", None),
    ]
    return as_expected(server, calls)


def counting(server: Server) -> set[str]:
    calls: Calls = [
        (["incr", "n", 1], False, None),
        (["decr", "n", 1], False, None),
        (["set", "n", 10, 100], True, None),
        (["incr", "n", 5], 15, None),
        (["increment", "n", 5], 20, None),
        (["decr", "n", 11], 9, None),
        (["decrement", "n", 1], 8, None),
        (["decr", "n", 100], 0, None),
        (["get", "n"], 0, None),
        (["set", "word", "text", 100], True, None),
        (["incr", "word", 1], False, "cannot increment or decrement non-numeric value"),
    ]
    return as_expected(server, calls)


def removing(server: Server) -> set[str]:
    calls: Calls = [
        (["touch", "a", 100], False, None),
        (["del", "a"], False, None),
        (["set", "a", "1", 0], True, None),
        (["touch", "a", 100], True, None),
        (["get", "a"], "1", None),
        (["del", "a"], True, None),
        (["set", "a", "1", 0], True, None),
        (["delete", "a"], True, None),
        (["set", "a", "1", 0], True, None),
        (["touch", "a", -1], True, None),
        (["get", "a"], None, None),
        (["set", "a", "1", -1], True, None),
        (["get", "a"], None, None),
        (["set", "a", "1", 0], True, None),
        (["flushAll"], [True], None),
        (["get", "a"], None, None),
    ]
    return as_expected(server, calls)


def many_keys(server: Server) -> set[str]:
    values = {f"key-{number}": f"value {number}" for number in range(500)}
    calls: Calls = [
        *((["set", key, value, 100], True, None) for key, value in values.items()),
        (["getMulti", [*values, "absent"]], values, None),
        (["get", ["key-1", "absent", "key-2"]], {"key-1": "value 1", "key-2": "value 2"}, None),
        (["getMulti", ["absent", "absent too"[:6]]], {}, None),
    ]
    return as_expected(server, calls)


def reports(server: Server) -> set[str]:
    """The last of them needs the class that another told."""
    keys = [f"report-{number}" for number in range(3)]
    stored = [["set", key, "x" * 3_000, 0] for key in keys]
    names = ["version", "stats", "settings", "statsSettings", "slabs", "statsSlabs", "items", "statsItems"]
    replies = drive(server, calls=[*stored, *([name] for name in names)])["replies"]
    assert {reply["error"] for reply in replies} == {None}
    told = {name: reply["result"][0] for name, reply in zip(names, replies[len(keys) :], strict=True)}
    assert {answer["server"] for answer in told.values()} == {place(server)}
    assert (told["version"]["major"], told["version"]["minor"]) == ("1", "6")
    assert (told["stats"]["pid"], told["stats"]["curr_items"] >= 3) == (server.pid, True)
    assert (told["settings"]["maxbytes"], told["settings"]["num_threads"]) == (256 << 20, 1)
    for name, alias in (("settings", "statsSettings"), ("slabs", "statsSlabs"), ("items", "statsItems")):
        assert told[name] == told[alias]
    slab_class = next(name for name, slab in told["slabs"].items() if slab.get("chunk_size", 0) > 3_000)
    assert told["items"][slab_class]["number"] >= 3
    dump = drive(server, calls=[["cachedump", place(server), int(slab_class), 0]])["replies"][0]
    assert dump["error"] is None
    assert sorted((item["key"], item["b"]) for item in dump["result"]) == [(key, 3_000) for key in keys]
    return {*names, "cachedump"}


EXERCISES = [storing, compare_and_swap, counting, removing, many_keys, reports]


def test_every_method(kind: Kind) -> None:
    """Each of them, and the client's `end`, without which the process would not.

    Without a maintainer items are from the start where `stats cachedump` looks.
    """
    with kind.running("-o", "no_lru_maintainer") as server:
        called = {"end"}.union(*(exercise(server) for exercise in EXERCISES))
        assert set(drive(server, calls=[])["methods"]) == called | INTERNAL


VALUES = ["", "text", "schlüssel 🔑", "line\r\nbreak", 0, -1.5, True, None, {"a": [1, {"b": None}]}, "x" * 100_000]


@pytest.mark.parametrize("value", VALUES)
def test_values_come_back_as_they_were(server: Server, value: object) -> None:
    as_expected(server, [(["set", "a", value, 100], True, None), (["get", "a"], value, None)])


def test_bytes_come_back_as_they_were(server: Server) -> None:
    value = {"base64": base64.b64encode(bytes(range(256)) * 20).decode()}
    as_expected(server, [(["set", "a", value, 100], True, None), (["get", "a"], value, None)])


def test_calls_at_once_get_their_own_answers(server: Server) -> None:
    """200 of them over 10 connections."""
    stored: list[list[Any]] = [["set", f"once-{number}", number, 100] for number in range(100)]
    replies = drive(server, calls=stored, at_once=True, poolSize=10)["replies"]
    assert [reply["result"] for reply in replies] == [True] * 100
    asked: list[list[Any]] = [["get", f"once-{number}"] for number in range(100)]
    replies = drive(server, calls=asked, at_once=True, poolSize=10)["replies"]
    assert [reply["result"] for reply in replies] == list(range(100))


def test_keys(server: Server) -> None:
    calls: Calls = [
        (["set", "k" * 250, "1", 100], True, None),
        (["get", "k" * 250], "1", None),
        (["set", "k" * 300, "2", 100], True, None),  # goes as its digest
        (["get", "k" * 300], "2", None),
        (["getMulti", ["k" * 250, "schlüssel"]], {"k" * 250: "1"}, None),
        (["set", "schlüssel", "3", 100], True, None),
        (["getMulti", ["schlüssel"]], {"schlüssel": "3"}, None),
    ]
    as_expected(server, calls)
    calls = [
        (["set", "a", "1", 100], True, None),
        (["get", "a"], "1", None),
        (["getMulti", ["a", "b"]], {"a": "1"}, None),
    ]
    as_expected(server, calls, namespace="app:")
    assert drive(server, calls=[["get", "app:a"]])["replies"] == [{"error": None, "result": "1"}]


def test_a_value_too_large_is_refused(server: Server) -> None:
    """To this client a refusal is a server in trouble: it leaves it alone for `retry` milliseconds."""
    calls: Calls = [
        (["set", "a", "old", 100], True, None),
        (["set", "a", "x" * ITEM_MAX, 100], False, None),
        (["get", "a"], None, f"Server at {place(server)} not available"),
    ]
    as_expected(server, calls, retry=1, failuresTimeout=1)
    calls = [(["get", "a"], None, None), (["set", "a", "new", 100], True, None), (["get", "a"], "new", None)]
    as_expected(server, calls)


def test_keys_spread_over_several_servers(three_servers: list[Server]) -> None:
    values = {f"spread-{number}": number for number in range(100)}
    stored: list[list[Any]] = [["set", key, value, 100] for key, value in values.items()]
    replies = drive(*three_servers, calls=[["flush"], *stored, ["getMulti", list(values)], ["version"]])["replies"]
    assert {reply["error"] for reply in replies} == {None}
    assert replies[0]["result"] == [True] * 3
    assert replies[-2]["result"] == values
    assert {version["server"] for version in replies[-1]["result"]} == set(map(place, three_servers))
    held = [len(drive(server, calls=[["getMulti", list(values)]])["replies"][0]["result"]) for server in three_servers]
    assert (sum(held), min(held) > 0) == (100, True)
