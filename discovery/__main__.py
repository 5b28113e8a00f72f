"""`python -m discovery NAME`: prints the endpoints behind a name and, with --watch, every change."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from discovery.endpoint import Change, Endpoint, EndpointSet
from discovery.refresh_policy import RefreshPolicy
from discovery.resolution import Failure
from discovery.resolver import Resolver
from discovery.service_name import Target, is_ip, parse_target
from discovery.watcher import Watcher

DEFAULT_PORT = 11211
COLUMNS = ("NAME", "ADDRESS", "PORT", "SLOT", "TTL")


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="mcdiscover", description="Prints the endpoints behind a name.")
    parser.add_argument(
        "name",
        metavar="NAME",
        help=f"a name, with :PORT or port {DEFAULT_PORT}; or dns+NAME:PORT, dnssrv+_service._proto.NAME",
    )
    parser.add_argument("--watch", action="store_true", help="stay and print changes: + - ~ (moved)")
    parser.add_argument(
        "--nameserver",
        action="append",
        default=[],
        metavar="IP[:PORT]",
        help="ask this server instead of those in /etc/resolv.conf; may be repeated",
    )
    parser.add_argument("--timeout", type=float, default=5.0, metavar="S", help="seconds for one lookup (5)")
    parser.add_argument("--interval", type=float, metavar="S", help="look up every S seconds, not by TTL")
    parser.add_argument(
        "--grace", type=float, default=60.0, metavar="S", help="seconds a vanished name stays (60)"
    )
    parser.add_argument("--expect", type=int, metavar="N", help="the number of endpoints is N")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code: 0, 1 when nothing resolves, 2 for a wrong command line."""
    parser = build_parser()
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="mcdiscover: %(message)s", stream=sys.stderr)
    try:
        target = parse_name(options.name)
        policy = RefreshPolicy(grace_s=options.grace, expect=options.expect)
        if (interval_s := options.interval) is not None:
            policy = replace(policy, floor_s=interval_s, cap_s=interval_s, jitter=0.0)
        if options.timeout <= 0:
            raise ValueError("--timeout must be above 0")
        resolver = Resolver(options.nameserver, options.timeout)
    except ValueError as error:
        parser.error(str(error))
    try:
        if options.watch:
            return asyncio.run(watch(target, resolver, policy, options.json))
        return asyncio.run(show(target, resolver, options.json))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        _drop_output()
        return 0


def parse_name(text: str) -> Target:
    """A bare name means all its addresses on memcached's port; ValueError for no name at all."""
    is_bare = "+" not in text and not text.startswith(("unix:", "[")) and text.count(":") <= 1
    if is_bare and not is_ip(text.partition(":")[0]):
        text = f"dns+{text}"
    return parse_target(text, DEFAULT_PORT)


def _drop_output() -> None:
    """Nobody reads any more: the interpreter's last flush must not complain about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def show(target: Target, resolver: Resolver, as_json: bool) -> int:
    """Prints one lookup's endpoints."""
    outcome = await resolver.resolve(target)
    if isinstance(outcome, Failure):
        print(f"mcdiscover: {target}: nothing found: {outcome}", file=sys.stderr)
        return 1
    print_set(target, outcome.endpoints, outcome.ttl_s, as_json)
    return 0


async def watch(target: Target, resolver: Resolver, policy: RefreshPolicy, as_json: bool) -> int:
    """Prints the first set, then one line a change, until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)

    def on_change(endpoints: EndpointSet, change: Change) -> None:
        try:
            if watcher.changes == 1:
                print_set(target, endpoints, watcher.ttl_s, as_json)
            else:
                print_change(change, as_json)
        except BrokenPipeError:
            _drop_output()
            stopped.set()

    watcher = Watcher(target, resolver, policy, on_change)
    started = asyncio.create_task(watcher.start())
    await stopped.wait()
    started.cancel()
    await watcher.stop()
    return 0


def print_set(target: Target, endpoints: EndpointSet, ttl_s: float | None, as_json: bool) -> None:
    """An aligned table, or one JSON object."""
    if as_json:
        members = [asdict(endpoint) for endpoint in endpoints]
        print(json.dumps({"target": target.text, "ttl": ttl_s, "endpoints": members}), flush=True)
        return
    rows = [COLUMNS, *(_cells(endpoint, ttl_s) for endpoint in endpoints)]
    print("\n".join(_aligned(rows)), flush=True)


def print_change(change: Change, as_json: bool) -> None:
    """`+ name location` and so on, or a JSON object per endpoint."""
    if not as_json:
        print("\n".join(change.lines()), flush=True)
        return
    moved = [after for _, after in change.moved]
    for kind, endpoints in (("added", change.added), ("removed", change.removed), ("moved", moved)):
        for endpoint in endpoints:
            print(json.dumps({"change": kind, **asdict(endpoint)}), flush=True)


def _cells(endpoint: Endpoint, ttl_s: float | None) -> tuple[str, ...]:
    slot = "-" if endpoint.slot is None else str(endpoint.slot)
    ttl = "-" if ttl_s is None else f"{ttl_s:g}"
    return (endpoint.name, endpoint.address, str(endpoint.port), slot, ttl)


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
