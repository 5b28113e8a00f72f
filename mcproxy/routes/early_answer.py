"""A request sent to all children, and answered before all of them have."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.request import Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import RouteHandle


class EarlyAnswer:
    """Hands up the reply that `decide` chooses; those that come later are dropped.

    Copies that are still on their way then count as background. Without room for them the answer waits for the
    next of them: clients cannot have more under way than is bounded.
    """

    __slots__ = ("_background", "_request", "_size", "chosen", "left")

    def __init__(self, request: Request, count: int, background: Background) -> None:
        """`count` replies are expected."""
        self._request: Request | None = request
        self._background = background
        self._size = len(request.text)
        self.left = count  # replies to come
        self.chosen: tuple[int, bytes] | None = None

    def decide(self, result: int, raw: bytes) -> None:
        """Set `chosen` if this reply makes it clear; it must be set when none is left."""
        raise NotImplementedError

    def send(self, children: Sequence[RouteHandle], request: Request) -> None:
        """A copy to each child. They are made first: once it is answered the request may have another key."""
        for child, copy in [(child, request.copy(self)) for child in children]:
            child.route(copy)

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        asked = self._request
        self.left -= 1
        if asked is None:
            self._background.give_back(self._size)
            return
        if self.chosen is None:
            self.decide(result, raw)
        if self.chosen is not None and self._background.take_over(self.left, self._size):
            self._request = None
            asked.answer(*self.chosen)
