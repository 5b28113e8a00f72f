"""Requests for which no client waits: bounded, and without a way back to the client."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from mcproxy.request import Request

REQUESTS_MAX = 100_000
BYTES_MAX = 64 << 20
"""What may be on its way in one process; a server that does not answer holds a copy until its timeout."""


Then = Callable[[int, bytes], None]
"""Told a background request's result and reply."""


class Background:
    """Sends copies, and requests of the proxy's own. Beyond a bound they are left out, and counted."""

    __slots__ = ("_bytes_max", "_counters", "_requests_max", "bytes", "requests")

    def __init__(
        self, counters: MutableMapping[str, int], requests_max: int = REQUESTS_MAX, bytes_max: int = BYTES_MAX
    ) -> None:
        self._counters = counters
        self._requests_max = requests_max
        self._bytes_max = bytes_max
        self.requests = 0  # on their way
        self.bytes = 0

    def send(self, route: Callable[[Request], None], request: Request) -> bool:
        """Route a copy of `request`; the request itself stays as it is. False when there was no room."""
        size = len(request.text)
        if not self._take(size):
            return False
        route(request.copy(_Unheard(self, size)))
        return True

    def ask(self, route: Callable[[Request], None], op: int, key: bytes, text: bytes, then: Then | None = None) -> bool:
        """Route a request that no client has made. False when there was no room; `then` is not told then."""
        size = len(text)
        if not self._take(size):
            return False
        route(Request(op, key, text, _Unheard(self, size, then)))
        return True

    def take_over(self, count: int, size: int) -> bool:
        """`count` requests of `size` bytes each are on their way, and nobody waits any more. False without room."""
        if self.requests + count > self._requests_max or self.bytes + count * size > self._bytes_max:
            return False
        self.requests += count
        self.bytes += count * size
        return True

    def give_back(self, size: int) -> None:
        """One of them is answered."""
        self.requests -= 1
        self.bytes -= size

    def _take(self, size: int) -> bool:
        if self.take_over(1, size):
            return True
        self._counters["background_dropped"] += 1
        return False


class _Unheard:
    """Takes the reply of one request; each is counted down once."""

    __slots__ = ("_background", "_size", "_then")

    def __init__(self, background: Background, size: int, then: Then | None = None) -> None:
        self._background = background
        self._size = size
        self._then = then

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._background.give_back(self._size)
        if self._then is not None:
            self._then(result, raw)
