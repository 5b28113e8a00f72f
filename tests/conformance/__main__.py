"""Compare two running servers: python -m tests.conformance --ours HOST:PORT --theirs HOST:PORT."""

from __future__ import annotations

import argparse
import sys
import time

from tests.conformance.compare import Comparison
from tests.conformance.corpus import CORPUS
from tests.conformance.generator import scripts
from tests.support.processes import Address


def address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--ours", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--theirs", type=address, required=True, metavar="HOST:PORT")
    parser.add_argument("--sequences", type=int, default=5000, help="random scripts (default 5000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first random script")
    parser.add_argument("--corpus", action="store_true", help="the hand-written scripts first")
    parser.add_argument("--no-counters", action="store_true", help="do not compare stats counters")
    parser.add_argument("--show", type=int, default=5, help="stop after this many mismatches (default 5)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    started, found = time.monotonic(), 0
    hand_written = [script for topic in CORPUS.values() for script in topic] if arguments.corpus else []
    with Comparison(arguments.ours, arguments.theirs, counters=not arguments.no_counters) as comparison:
        for script in (*hand_written, *scripts(arguments.seed, arguments.sequences, arguments.first)):
            mismatch = comparison.play(script)
            if mismatch is None:
                continue
            found += 1
            print(comparison.shrunk(mismatch), flush=True)
            if found == arguments.show:
                break
        seconds = time.monotonic() - started
        print(f"{comparison.played} scripts, {found} mismatching, {comparison.stalled} stalls ({seconds:.1f} s)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
