"""AllMajorityRoute: every child, and what most of them say."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import severity
from mcproxy.request import Request
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllMajorityRoute(RouteHandle):
    """Sends to all; as soon as more than half of the replies have one result, that reply is the answer.

    When all have come without, the most frequent result is, and of equally frequent ones the worst.
    """

    __slots__ = ("children",)

    def __init__(self, children: Sequence[RouteHandle]) -> None:
        self.children = children

    def route(self, request: Request) -> None:
        ballot = _Ballot(request, len(self.children))
        for child in self.children:
            child.route(request.copy(ballot))

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllMajorityRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children)


class _Ballot:
    """Counts replies by result until one result has won."""

    __slots__ = ("_left", "_majority", "_request", "_votes")

    def __init__(self, request: Request, count: int) -> None:
        self._request: Request | None = request
        self._left = count
        self._majority = count // 2 + 1
        self._votes: dict[int, list[bytes]] = {}  # replies by result

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        asked = self._request
        if asked is None:
            return
        replies = self._votes.setdefault(result, [])
        replies.append(raw)
        self._left -= 1
        if len(replies) < self._majority:
            if self._left:
                return
            result = max(self._votes, key=lambda result: (len(self._votes[result]), severity(result)))
        raw = self._votes[result][-1]
        self._request, self._votes = None, {}
        asked.answer(result, raw)
