"""One request sent to several servers, one reply. Pure."""

from __future__ import annotations

from mcproxy.outcome import severity
from mcproxy.request import Request, Waiter


class Gather:
    """Waits for all copies; then hands the worst reply up. It is a place in a client's line itself."""

    __slots__ = ("_above", "_left", "_worst", "reply")

    def __init__(self, count: int, above: Waiter) -> None:
        """`count` replies are expected, one at least."""
        self.reply: bytes | None = None
        self._above = above
        self._left = count
        self._worst: tuple[int, bytes] | None = None

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A copy is answered; of equally bad replies the first to come counts."""
        if self._worst is None or severity(result) > severity(self._worst[0]):
            self._worst = (result, raw)
        self._left -= 1
        if not self._left:
            result, raw = self._worst
            self._above.on_reply(request, result, raw)
            self.reply = request.reply
