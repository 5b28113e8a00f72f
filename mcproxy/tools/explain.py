"""`python -m mcproxy explain --config F KEY…`: which pool and server a key goes to, and by which routes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import TextIO

from mcproto.limits import KEY_MAX
from mcproxy.config_error import ConfigError
from mcproxy.configuration import CONFIG_EXIT, told
from mcproxy.offline import OPERATIONS, OfflineTree, Step
from mcproxy.routing_prefix import hashed_part
from mcproxy.tools.words import add_common, environment_of, options_of, source_of

SHOWN_MAX = 100

_NOT_IN_KEYS = frozenset(b"\0\n\r ")


def explain(words: Sequence[str], out: TextIO, err: TextIO) -> int:
    """The exit status: 0, or 3 for a configuration that cannot be used."""
    parser = argparse.ArgumentParser(prog="mcproxy explain", description="Where keys go, and why.")
    parser.add_argument("--config", "-f", required=True, metavar="FILE|JSON", help="the configuration")
    parser.add_argument("--op", choices=sorted(OPERATIONS), default="get", help="of the request (default get)")
    parser.add_argument(
        "--reply", choices=("hit", "miss", "error"), default="hit", help="of every server on the way (default hit)"
    )
    parser.add_argument("key", nargs="+", metavar="KEY")
    add_common(parser)
    given = parser.parse_args(words)
    source = source_of(given.config)
    try:
        tree = OfflineTree(source, environment_of(given), options_of(given))
    except ConfigError as error:
        print(f"mcproxy: {told(error, source)}", file=err)
        return CONFIG_EXIT
    for key in map(os.fsencode, given.key):
        print(_shown(key), file=out)
        if not 0 < len(key) <= KEY_MAX or not _NOT_IN_KEYS.isdisjoint(key):
            print(f"  no key: it has 1 to {KEY_MAX} bytes, and no blanks among them", file=out)
            continue
        steps = tree.way_of(key, OPERATIONS[given.op], given.reply)
        for line in _lines(steps, _shown(tree.answer.raw.rstrip())):
            print(f"  {line}", file=out)
    return 0


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _lines(steps: Sequence[Step], answer: str) -> Iterator[str]:
    pool: Step | None = None
    for step in steps[:SHOWN_MAX]:
        indent = "  " * step.depth
        if step.destination:
            yield f"{indent}server {step.destination}{_slot(pool, step.destination)}"
            continue
        if step.pool is not None:
            pool = step
        line = f" line {step.line}" if step.line else ""
        yield f"{indent}{step.kind} at {step.path}{line}{_choice(step)}"
    if len(steps) > SHOWN_MAX:
        yield f"… and {len(steps) - SHOWN_MAX} more"
    if not any(step.destination for step in steps):
        yield f"no server is asked: the reply is {answer or 'late'}"


def _choice(step: Step) -> str:
    if not step.hash_name:
        return ""
    hashed = _shown(hashed_part(step.hashed))
    over = f": pool {step.pool.name}, {len(step.pool.nodes)} servers" if step.pool else ""
    if step.bucket is not None:
        return f"{over}, {step.hash_name} of bucket {step.bucket}, of {hashed!r}"
    return f"{over}, {step.hash_name} of {hashed!r}"


def _slot(step: Step | None, server: str) -> str:
    """Which of its pool's servers it is."""
    names = [node.name if node else "" for node in step.pool.nodes] if step and step.pool else []
    return f", number {names.index(server)} of the pool" if server in names else ""
