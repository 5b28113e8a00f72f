"""The strict FIFO between a connection's requests and its replies. Pure.

A server answers in order, so the n-th reply belongs to the n-th request, and nobody may leave the line:

    slots      r5 r4 None r2 r1 ◄── the next reply is r1's
                      └─ abandoned: its time is over, its reply will be read and dropped
    deadlines  (5, t+40ms) (2, t)     all up to number 2 are overdue at t

Deadlines are kept per flush, not per request: what is sent together is overdue together. `answered`
counts replies since the connection began, so the number of the last slot is `answered + len(slots)`.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

R = TypeVar("R")


class Inflight(Generic[R]):
    """`slots` and `answered` are open to the owner's hot path: append and popleft happen there."""

    __slots__ = ("_deadlines", "answered", "slots")

    def __init__(self) -> None:
        self.slots: deque[R | None] = deque()
        self.answered = 0
        self._deadlines: deque[tuple[int, float]] = deque()

    def set_deadline(self, deadline: float) -> None:
        """Requests appended since the last call are overdue at `deadline`, which never goes back."""
        self._deadlines.append((self.answered + len(self.slots), deadline))

    def next_deadline(self) -> float | None:
        """When to call `take_overdue`; None while nothing is under way."""
        self.settle()
        return self._deadlines[0][1] if self._deadlines else None

    def settle(self) -> float | None:
        """Forget deadlines that were met; the latest of them, if any."""
        deadlines, met = self._deadlines, None
        while deadlines and deadlines[0][0] <= self.answered:
            met = deadlines.popleft()[1]
        return met

    def take_overdue(self, now: float, unsent: int) -> tuple[list[R], list[R]]:
        """(sent, unsent) requests whose deadline is over, each returned once.

        The last `unsent` slots are not written yet: overdue ones among them leave the line. The sent ones
        are abandoned in place.
        """
        until = self.answered
        while self._deadlines and self._deadlines[0][1] <= now:
            until = max(until, self._deadlines.popleft()[0])
        overdue = until - self.answered
        sent_count = len(self.slots) - unsent
        sent = []
        for at in range(min(overdue, sent_count)):
            request = self.slots[at]
            if request is not None:
                sent.append(request)
                self.slots[at] = None
        return sent, self._remove(sent_count, overdue - sent_count)

    def _remove(self, start: int, count: int) -> list[R]:
        if count <= 0:
            return []
        slots = list(self.slots)
        removed = [request for request in slots[start : start + count] if request is not None]
        self.slots.clear()  # in place: the owner's hot path holds the deque
        self.slots.extend(slots[:start] + slots[start + count :])
        self._deadlines = deque((number - count, deadline) for number, deadline in self._deadlines)
        return removed

    def take_all(self, unsent: int) -> tuple[list[R], list[R]]:
        """(sent, unsent) requests of a connection that is lost; nothing is left."""
        slots = list(self.slots)
        self.slots.clear()
        self._deadlines.clear()
        sent_count = len(slots) - unsent
        sent = [request for request in slots[:sent_count] if request is not None]
        return sent, [request for request in slots[sent_count:] if request is not None]
