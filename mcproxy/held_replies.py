"""Bounds what replies take on their way to clients: those that wait for an earlier one or for the rest of a get,
those that have come in part, and those that a client does not read.

A slow key holds back the replies behind it, and a get of many keys all of its values. Clients that have anything
under way are looked at whenever LOOK_BYTES have come from servers, and every LOOK_S besides: beyond a bound their
newest replies become `SERVER_ERROR out of memory`. So it is LOOK_BYTES, and the value that a server is about to
send, that may come on top. What a client has been sent cannot be taken back: when all others are given up and it is
still too much, who has most of it unread is dropped. Requests that are answered in turn cost nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from mcproto.encode import OUT_OF_MEMORY
from mcproxy.long_get import LongGet
from mcproxy.multiget import MultiGet
from mcproxy.reply_queue import Place
from mcproxy.request import Request
from mcproxy.upstream.single_flight import Flight

LOOK_S = 0.05

_SMALL = 256  # bytes of a reply that is not worth to be given up


class Holder(Protocol):
    """A client's session."""

    is_watched: bool

    @property
    def held_bytes(self) -> int:
        """What its replies take that cannot be sent yet."""

    @property
    def unread_bytes(self) -> int:
        """What it was sent and has not read."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""

    def shed(self, limit: int) -> None:
        """Give up the newest replies until the others take `limit` bytes at most."""

    def drop(self) -> None:
        """Close its connection: it does not read."""


class Incoming(Protocol):
    """A connection to a server."""

    @property
    def arrived_bytes(self) -> int:
        """Of a reply that has come in part."""

    @property
    def next_request(self) -> Request | None:
        """Whose reply that is; None if nobody waits for it any more."""

    def forget_arrived(self) -> None:
        """Nobody wants that reply."""


class HeldReplies:
    """All clients of a process: `client_max` bytes for each, `total_max` for all together.

    `incoming` gives the connections to servers.
    """

    __slots__ = ("_call_later", "_client_max", "_total_max", "_watched", "incoming")

    def __init__(
        self, call_later: Callable[[float, Callable[[], None]], object], client_max: int, total_max: int
    ) -> None:
        self._call_later = call_later
        self._client_max = client_max
        self._total_max = total_max
        self._watched: list[Holder] = []
        self.incoming: Callable[[], Iterable[Incoming]] = tuple

    def watch(self, holder: Holder) -> None:
        """Look at it until it is idle; it says by `is_watched` that it need not call again."""
        holder.is_watched = True
        if not self._watched:
            self._call_later(LOOK_S, self._look_again)
        self._watched.append(holder)

    def _look_again(self) -> None:
        watched = []
        for holder in self._watched:
            if holder.is_idle:
                holder.is_watched = False
            else:
                watched.append(holder)
        self._watched = watched
        self.look()
        if watched:
            self._call_later(LOOK_S, self._look_again)

    def look(self) -> None:
        """Give up what is beyond the bounds now."""
        total, gets = self._charge_arrived()
        for holder in self._watched:
            held = holder.held_bytes
            if held > self._client_max:
                holder.shed(self._client_max)
                held = holder.held_bytes
            total += held + holder.unread_bytes
        if total > self._total_max:
            total = self._shed_total(total)
        if total > self._total_max:
            self._drop_unread(total)
        for get in gets:
            get.arrived_bytes = 0

    def _charge_arrived(self) -> tuple[int, list[MultiGet]]:
        """(bytes that no client can be charged with, the gets that are charged); what nobody wants is forgotten."""
        others, gets = 0, []
        for connection in self.incoming():
            size = connection.arrived_bytes
            if size <= _SMALL:
                continue
            request = connection.next_request
            get = _get_of(request)
            if get is not None and get.reply is None:
                get.arrived_bytes += size
                gets.append(get)
            elif get is not None or request is None:
                _let_nobody_join(request)
                connection.forget_arrived()
            else:
                others += size
        return others, gets

    def _shed_total(self, total: int) -> int:
        """Those that hold most lose first. What is left."""
        for holder in sorted(self._watched, key=lambda holder: holder.held_bytes, reverse=True):
            before = holder.held_bytes
            holder.shed(max(before - (total - self._total_max), 0))
            total -= before - holder.held_bytes
            if total <= self._total_max:
                break
        return total

    def _drop_unread(self, total: int) -> None:
        for holder in sorted(self._watched, key=lambda holder: holder.unread_bytes, reverse=True):
            unread = holder.unread_bytes
            if total <= self._total_max or not unread:  # who reads all is not to blame for what is left
                return
            total -= unread
            holder.drop()


def _get_of(request: Request | None) -> MultiGet | None:
    """The get of many keys that a line is a part of. One that others have joined is theirs as well: nobody's."""
    waiter = request.waiter if request is not None else None
    if isinstance(waiter, Flight) and not waiter.followers:
        waiter = waiter.above
    return waiter if isinstance(waiter, MultiGet) else None


def _let_nobody_join(request: Request | None) -> None:
    if request is not None and isinstance(request.waiter, Flight):
        request.waiter.close()


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


def forget(places: Iterable[Place]) -> None:
    """The client is gone: what still comes for it is not gathered."""
    for place in places:
        if isinstance(place, MultiGet | LongGet):
            place.forget()
