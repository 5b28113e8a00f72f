"""What can be asked of a configuration without running it: `python -m mcproxy explain …`, `diff-config …`.

    ../offline.py  a tree whose servers answer at once, and a trace of the way a request takes
    validate.py  --validate-config      explain.py  where keys go, and why      diff_config.py  which keys move

`TOOLS[name](words, out, err)` returns the exit status.
"""

from collections.abc import Callable, Sequence
from typing import TextIO

from mcproxy.tools.diff_config import diff_config
from mcproxy.tools.explain import explain
from mcproxy.tools.validate import validate

TOOLS: dict[str, Callable[[Sequence[str], TextIO, TextIO], int]] = {
    "explain": explain,
    "diff-config": diff_config,
}

__all__ = ["TOOLS", "validate"]
