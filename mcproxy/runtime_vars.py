"""Variables that an operator changes while the proxy runs: --runtime-vars-file, a JSON object that is followed.

    {"key_fraction_range_b": [0, 0.1], "key_fractions": {"b": 0.1}}     two ways to say the same

Routes that name a variable look here at each request; a file that cannot be read changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_PREFIX = "key_fraction_range_"
_FRACTIONS = "key_fractions"


class RuntimeVars:
    """The variables in force; none before the first `load`."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ranges: dict[str, tuple[float, float]] = {}

    def load(self) -> None:
        """Read the file. What it has no good value for is not set."""
        if self._path is None:
            return
        try:
            values = json.loads(self._path.read_bytes())
            if not isinstance(values, dict):
                raise ValueError("an object is expected")
        except (OSError, ValueError) as error:
            log.error("runtime variables %s: %s; those in force stay", self._path, error)
            return
        self._ranges = _ranges(values)
        log.info("runtime variables read from %s", self._path)

    def key_fraction_range(self, name: str) -> tuple[float, float] | None:
        """(first, last) fraction of the keys, from 0 to 1, or None when nothing says so."""
        return self._ranges.get(name)


def _ranges(values: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    fractions = values.get(_FRACTIONS, {})
    given = {f"{_PREFIX}{name}": [0, last] for name, last in fractions.items()} if isinstance(fractions, dict) else {}
    given |= {name: pair for name, pair in values.items() if name != _FRACTIONS and isinstance(pair, list)}
    ranges = {}
    for name, pair in given.items():
        if len(pair) == 2 and all(type(end) in (int, float) for end in pair) and 0 <= pair[0] <= pair[1] <= 1:
            ranges[name] = (float(pair[0]), float(pair[1]))
        else:
            log.error("runtime variable %s: two numbers from 0 to 1 are expected, not %s", name, pair)
    return ranges
