"""When a server that was taken out is probed. Pure."""

_GROWTH = 1.5
_LEAST_EXTRA, _MOST_EXTRA = 0.05, 0.5


class ProbeSchedule:
    """Delays in seconds: the first is `initial_s`, each half as long again as the last, at most `max_s`.

    Each gets 5 to 50 % on top by chance, so that many proxies do not probe a server at one moment.
    """

    __slots__ = ("_initial_s", "_max_s", "_next_s")

    def __init__(self, initial_s: float, max_s: float) -> None:
        self._initial_s = initial_s
        self._max_s = max(initial_s, max_s)
        self._next_s = initial_s

    def reset(self) -> None:
        """The server is back."""
        self._next_s = self._initial_s

    def next_delay(self, chance: float) -> float:
        """The delay before the next probe; `chance` is uniform in [0, 1)."""
        delay, self._next_s = self._next_s, min(self._next_s * _GROWTH, self._max_s)
        return delay * (1 + _LEAST_EXTRA + (_MOST_EXTRA - _LEAST_EXTRA) * chance)
