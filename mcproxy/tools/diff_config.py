"""`python -m mcproxy diff-config OLD NEW`: how many keys of a sample go to another server, pool by pool."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from mcproxy.config_error import ConfigError
from mcproxy.configuration import CONFIG_EXIT, told
from mcproxy.offline import OPERATIONS, OfflineTree
from mcproxy.tools.words import add_common, environment_of, options_of, source_of

SAMPLE = 10_000


def diff_config(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """The exit status: 0, or 3 for a configuration or file of keys that cannot be used."""
    parser = argparse.ArgumentParser(prog="mcproxy diff-config", description="Which keys a new configuration moves.")
    parser.add_argument("old", metavar="OLD", help="the configuration in force")
    parser.add_argument("new", metavar="NEW", help="the one to come")
    parser.add_argument("--op", choices=sorted(OPERATIONS), default="get", help="of the requests (default get)")
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help=f"made-up keys (default {SAMPLE})")
    parser.add_argument("--prefix", default="", help="what the made-up keys begin with")
    parser.add_argument("--keys", metavar="FILE", help="keys to look at instead, one a line")
    add_common(parser)
    given = parser.parse_args(words)
    trees = []
    for text in (given.old, given.new):
        source = source_of(text)
        try:
            trees.append(OfflineTree(source, environment_of(given), options_of(given)))
        except ConfigError as error:
            print(f"mcproxy: {told(error, source)}", file=err)
            return CONFIG_EXIT
    try:
        keys = _keys(given, [tree.document for tree in trees])
    except OSError as error:
        print(f"mcproxy: {given.keys}: {error.strerror}", file=err)
        return CONFIG_EXIT
    _report(trees[0], trees[1], keys, given.op, out)
    return 0


def _keys(given: argparse.Namespace, documents: Sequence[dict[str, Any]]) -> list[bytes]:
    if given.keys:
        return [key for line in Path(given.keys).read_bytes().split(b"\n") if (key := line.removesuffix(b"\r"))]
    names = [f"{given.prefix}key:{number}" for number in range(given.sample)]
    aliases = sorted(set.intersection(*(_aliases(document) for document in documents)))
    return [os.fsencode(f"{alias}{name}") for alias in aliases or [""] for name in names]


def _aliases(document: dict[str, Any]) -> set[str]:
    routes = document.get("routes", {})
    return set(routes) if isinstance(routes, dict) else {alias for entry in routes for alias in entry["aliases"]}


def _report(old: OfflineTree, new: OfflineTree, keys: Sequence[bytes], op: str, out: TextIO) -> None:
    totals: Counter[str] = Counter()
    moves: Counter[tuple[str, str, str]] = Counter()
    for key in keys:
        pool, server = old.place_of(key, OPERATIONS[op])
        new_pool, new_server = new.place_of(key, OPERATIONS[op])
        totals[pool] += 1
        if server != new_server:
            moves[pool, server, new_server if new_pool == pool else f"{new_server} of {_shown(new_pool)}"] += 1
    for pool in sorted(totals):
        moved = sum(count for (from_pool, _, _), count in moves.items() if from_pool == pool)
        print(f"{_shown(pool)}: {moved} of {totals[pool]} keys move ({moved / totals[pool]:.1%})", file=out)
        for (from_pool, server, target), count in sorted(moves.items(), key=lambda item: -item[1]):
            if from_pool == pool:
                print(f"  {count:6}  {server or 'no server'} -> {target or 'no server'}", file=out)
    print(f"in all: {moves.total()} of {len(keys)} keys move ({moves.total() / max(len(keys), 1):.1%})", file=out)


def _shown(pool: str) -> str:
    return f"pool {pool}" if pool else "no pool"
