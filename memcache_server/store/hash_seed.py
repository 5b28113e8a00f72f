"""Python seeds its hashes anew in each process; an index that outlives the process needs the same seed again.

The seed can only be given to the interpreter as it starts (PYTHONHASHSEED). So a server with -e starts its
interpreter once more, in the same process, with the seed that its file was written with, or with one drawn at
random for a new file. It is 32 bits of chance, which no client can see: hashes leave no trace in any answer.
"""

import os
import secrets
import sys

VARIABLE = "PYTHONHASHSEED"
_SEED_MAX = 0xFFFF_FFFF
_PROBES = (b"", b"a", b"a key of a usual length", b"k" * 250)


def hash_probes() -> list[int]:
    """Hashes of some keys: equal in two processes when all hashes are."""
    return [hash(probe) for probe in _PROBES]


def keep(seed: str | None) -> None:
    """Start the interpreter anew unless it has this seed (none: any that is fixed). Returns if it has."""
    present = os.environ.get(VARIABLE, "")
    if present.isdigit() and (not seed or seed == present):
        return
    if sys.flags.ignore_environment:  # -E, -I: it would not look at the seed, again and again
        return
    chosen = seed if seed and seed.isdigit() else str(1 + secrets.randbelow(_SEED_MAX))
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, VARIABLE: chosen})
