"""Bounds what replies take that wait for an earlier one of their client, or for the rest of a get.

A slow key holds back the replies behind it, and a get of many keys all of its values. While a client has anything
under way, it is looked at every LOOK_S; beyond a bound its newest replies become `SERVER_ERROR out of memory`.
What comes between two looks is what may be above it. Requests that are answered in turn cost nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from mcproto.encode import OUT_OF_MEMORY
from mcproxy.long_get import LongGet
from mcproxy.multiget import MultiGet
from mcproxy.reply_queue import Place

LOOK_S = 0.05

_SMALL = 256  # bytes of a reply that is not worth to be given up


class Holder(Protocol):
    """A client's session."""

    is_watched: bool

    @property
    def held_bytes(self) -> int:
        """What its replies take that cannot be sent yet."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""

    def shed(self, limit: int) -> None:
        """Give up the newest replies until the others take `limit` bytes at most."""


class HeldReplies:
    """All clients of a process: `client_max` bytes for each, `total_max` for all together."""

    __slots__ = ("_call_later", "_client_max", "_total_max", "_watched")

    def __init__(
        self, call_later: Callable[[float, Callable[[], None]], object], client_max: int, total_max: int
    ) -> None:
        self._call_later = call_later
        self._client_max = client_max
        self._total_max = total_max
        self._watched: list[Holder] = []

    def watch(self, holder: Holder) -> None:
        """Look at it until it is idle; it says by `is_watched` that it need not call again."""
        holder.is_watched = True
        if not self._watched:
            self._call_later(LOOK_S, self._look)
        self._watched.append(holder)

    def _look(self) -> None:
        holders, self._watched = self._watched, []
        total = 0
        for holder in holders:
            if holder.is_idle:
                holder.is_watched = False
                continue
            held = holder.held_bytes
            if held > self._client_max:
                holder.shed(self._client_max)
                held = holder.held_bytes
            total += held
            self._watched.append(holder)
        if total > self._total_max:
            self._shed_total(total)
        if self._watched:
            self._call_later(LOOK_S, self._look)

    def _shed_total(self, total: int) -> None:
        """Those that hold most lose first."""
        for holder in sorted(self._watched, key=lambda holder: holder.held_bytes, reverse=True):
            before = holder.held_bytes
            holder.shed(max(before - (total - self._total_max), 0))
            total -= before - holder.held_bytes
            if total <= self._total_max:
                return


def held_bytes(places: Iterable[Place]) -> int:
    """What is known of replies that wait."""
    return sum(_held(place) for place in places)


def _held(place: Place) -> int:
    if place.reply is not None:
        return len(place.reply)
    return place.held_bytes if isinstance(place, MultiGet | LongGet) else 0


def give_up_newest(places: Iterable[Place], held: int, limit: int) -> int:
    """Replace replies, from the last place on, until at most `limit` of `held` bytes are left. How many went."""
    count = 0
    for place in places:
        if held <= limit:
            break
        size = _held(place)
        if size > _SMALL:
            if place.reply is not None:
                place.reply = OUT_OF_MEMORY
            elif isinstance(place, MultiGet | LongGet):
                place.give_up()
            held -= size
            count += 1
    return count
