"""The tables of rows: what design asks for is in them, and every row can be built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.rows import PROXY_ROWS, ROWS, Row, chosen, groups
from benchmarks.workloads import KINDS


@pytest.mark.parametrize("rows", [ROWS, PROXY_ROWS], ids=["server", "proxy"])
def test_names_are_unique_and_kinds_known(rows: tuple[Row, ...]) -> None:
    assert len({row.name for row in rows}) == len(rows)
    assert {row.ask for row in rows} <= set(KINDS)


def test_everything_is_asked_at_each_number_of_connections_and_size() -> None:
    one_at_a_time = {(row.ask, row.connections) for row in ROWS if row.depth == 1}
    assert one_at_a_time >= {(ask, count) for ask in ("get", "set", "miss", "mix") for count in (1, 50, 500)}
    assert {row.value for row in ROWS} == {10, 100, 1000, 100_000}
    assert {row.keys for row in ROWS} >= {100_000, 1_000_000, 5_000_000}
    assert {row.ask for row in ROWS} >= {"mg", "ms", "multiget", "ttl"}


def test_what_is_to_be_reached() -> None:
    assert {row.name: row.reach for row in ROWS if row.reach is not None} == {
        "get, 50 connections": 1.10,
        "set, 50 connections": 1.20,
        "miss, 50 connections": 1.25,
        "get, pipelined by 50": 0.40,
        "set, pipelined by 50": 2.4,
        "get of 100 keys": 1.6,
    }


def test_the_quick_run_has_every_row_with_a_figure_to_reach() -> None:
    assert {row for row in ROWS if row.reach is not None} <= set(chosen(ROWS, "", quick=True))


def test_chosen_by_part_of_the_name() -> None:
    assert [row.name for row in chosen(ROWS, "mg", quick=True)] == ["mg, 50 connections"]
    assert [row.name for row in chosen(ROWS, "mg", quick=False)] == ["mg, 50 connections", "mg, pipelined by 50"]


def test_rows_of_one_fill_are_played_to_the_same_servers() -> None:
    first = Row(name="a", ask="get")
    rows = (first, replace(first, name="b", ask="set"), replace(first, name="c", value=10), replace(first, name="d"))
    assert [[row.name for row in group] for group in groups(rows)] == [["a", "b"], ["c"], ["d"]]


def test_rows_whose_items_expire_are_by_themselves() -> None:
    first = Row(name="a", ask="get")
    rows = (first, replace(first, name="b", ask="ttl"), replace(first, name="c"))
    assert [len(group) for group in groups(rows)] == [1, 1, 1]
