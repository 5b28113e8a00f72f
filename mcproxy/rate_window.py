"""How fast counters grew of late: mcrouter's rates. Pure."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence

WINDOW_S = 240.0
"""mcrouter's: a rate is the mean over the last four minutes, or since the start."""

_SAMPLE_S = 1.0


class RateWindow:
    """Samples of `count` counters. Rates are whole numbers per 1000 seconds, so that they fit counters' words."""

    def __init__(self, count: int, now: float) -> None:
        """All counters are 0 at `now`, in seconds of a steady clock."""
        self._samples: deque[tuple[float, array[int]]] = deque([(now, array("Q", bytes(8 * count)))])

    def rates(self, values: Sequence[int], now: float) -> list[int]:
        """Of each counter, per 1000 seconds, at its `values` of now; 0 for one that has gone back."""
        samples = self._samples
        while len(samples) > 1 and samples[1][0] <= now - WINDOW_S:
            samples.popleft()
        since, before = samples[0]
        if now >= samples[-1][0] + _SAMPLE_S:
            samples.append((now, array("Q", values)))
        seconds = max(now - since, _SAMPLE_S)
        return [max(round((value - old) * 1000 / seconds), 0) for value, old in zip(values, before, strict=True)]
