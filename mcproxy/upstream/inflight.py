"""The strict FIFO between a connection's requests and its replies. Pure.

A server answers in order, so the n-th reply belongs to the n-th request, and nobody may leave the line:

    slots      r6 r5 r4 None r2 r1 ◄── the next reply is r1's
               └out┘     └─ abandoned: its time is over, its reply will be read and dropped
    out        texts of the last slots, not yet written
    deadlines  [6, t+40ms] [2, t]      all up to number 2 are overdue at t

Requests are numbered from 1 as they join the line. Deadlines are kept per group, not per request: what is
sent within GROUP_S is overdue together, with the group's last.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

R = TypeVar("R")

GROUP_S = 0.005
"""A timeout may come this much late, never early. It keeps 200 deadlines a second at most."""


class Inflight(Generic[R]):
    """`slots` and `out` are open to the owner's hot path, which appends one item to each per request."""

    __slots__ = ("_deadlines", "_group", "_group_until", "out", "sent", "slots")

    def __init__(self) -> None:
        self.slots: deque[R | None] = deque()
        self.out: list[bytes] = []
        self.sent = 0  # requests written so far
        self._deadlines: deque[list[float]] = deque()  # [number of the group's last request, deadline]
        self._group: list[float] = []
        self._group_until = float("-inf")

    @property
    def answered(self) -> int:
        """Replies read so far."""
        return self.sent + len(self.out) - len(self.slots)

    def take_out(self) -> bytes:
        """What is to be written now; from here on it counts as sent."""
        out = self.out
        data = out[0] if len(out) == 1 else b"".join(out)
        self.sent += len(out)
        out.clear()
        return data

    def set_deadline(self, deadline: float) -> bool:
        """Requests appended since the last call are overdue at `deadline` (it never goes back) or soon after.

        Returns whether a new group began.
        """
        is_new = deadline > self._group_until
        if is_new:
            self.settle()
            self._group_until = deadline + GROUP_S
            self._group = [0, self._group_until]
            self._deadlines.append(self._group)
        self._group[0] = self.sent + len(self.out)
        return is_new

    def next_deadline(self) -> float | None:
        """When to call `take_overdue`; None while nothing is under way."""
        self.settle()
        return self._deadlines[0][1] if self._deadlines else None

    def settle(self) -> None:
        """Forget deadlines that were met."""
        deadlines, answered = self._deadlines, self.answered
        while deadlines and deadlines[0][0] <= answered:
            self._forget_first()

    def _forget_first(self) -> float:
        """The number of the first group's last request. A group that ends takes no more requests."""
        if self._deadlines[0] is self._group:
            self._group_until = float("-inf")
        return self._deadlines.popleft()[0]

    def take_overdue(self, now: float) -> tuple[list[R], list[R]]:
        """(sent, unsent) requests whose deadline is over, each returned once.

        The sent ones are abandoned in place; the unsent ones leave the line.
        """
        until: float = self.answered
        while self._deadlines and self._deadlines[0][1] <= now:
            until = max(until, self._forget_first())
        overdue = int(until) - self.answered
        sent_count = len(self.slots) - len(self.out)
        sent = []
        for at in range(min(overdue, sent_count)):
            request = self.slots[at]
            if request is not None:
                sent.append(request)
                self.slots[at] = None
        return sent, self._remove_unsent(overdue - sent_count)

    def _remove_unsent(self, count: int) -> list[R]:
        if count <= 0:
            return []
        slots, start = list(self.slots), len(self.slots) - len(self.out)
        removed = [request for request in slots[start : start + count] if request is not None]
        self.slots.clear()  # in place: the owner's hot path holds both
        self.slots.extend(slots[:start] + slots[start + count :])
        del self.out[:count]
        for group in self._deadlines:
            group[0] -= count
        return removed

    def take_all(self) -> tuple[list[R], list[R]]:
        """(sent, unsent) requests of a connection that is lost; nothing is left."""
        slots = list(self.slots)
        sent_count = len(slots) - len(self.out)
        self.slots.clear()
        self.out.clear()
        self._deadlines.clear()
        self._group_until = float("-inf")
        sent = [request for request in slots[:sent_count] if request is not None]
        return sent, [request for request in slots[sent_count:] if request is not None]
