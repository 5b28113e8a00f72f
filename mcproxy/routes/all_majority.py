"""AllMajorityRoute: every child, and what most of them say."""

from __future__ import annotations

from collections.abc import Sequence

from mcproxy.outcome import severity
from mcproxy.request import Request
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.early_answer import EarlyAnswer
from mcproxy.routes.null import NullRoute
from mcproxy.upstream.destination import Destination


class AllMajorityRoute(RouteHandle):
    """Sends to all; as soon as more than half of the replies have one result, that reply is the answer.

    When all have come without, the most frequent result is, and of equally frequent ones the worst.
    """

    __slots__ = ("_background", "children")

    def __init__(self, children: Sequence[RouteHandle], background: Background) -> None:
        self.children = children
        self._background = background

    def route(self, request: Request) -> None:
        _Ballot(request, len(self.children), self._background).send(self.children, request)

    def destinations(self) -> Sequence[Destination]:
        return all_destinations(self.children)

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `"AllMajorityRoute|Pool|A"`, or with `children`."""
        children = fields.children("children")
        if len(children) < 2:
            return children[0] if children else NullRoute()
        return cls(children, fields.context.background)


class _Ballot(EarlyAnswer):
    """Counts replies by result until one result has won."""

    __slots__ = ("_majority", "_replies", "_votes")

    def __init__(self, request: Request, count: int, background: Background) -> None:
        super().__init__(request, count, background)
        self._majority = count // 2 + 1
        self._votes: dict[int, int] = {}
        self._replies: dict[int, bytes] = {}

    def decide(self, result: int, raw: bytes) -> None:
        votes = self._votes
        votes[result] = votes.get(result, 0) + 1
        self._replies[result] = raw
        if votes[result] >= self._majority:
            self.chosen = result, raw
        elif not self.left:
            winner = max(votes, key=lambda result: (votes[result], severity(result)))
            self.chosen = winner, self._replies[winner]
