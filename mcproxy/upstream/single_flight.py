"""Identical gets to one server at one time are sent once, and the reply is everybody's. Pure.

    get k  ──► sent ─────────────────► VALUE k …  ──► to all three
    get k  ──┐ joins                      ▲
    get k  ──┘                            │
    set k  ──► sent; the flight is closed ┘ a get after it is sent anew

A get that joins may be answered with what the server had up to one round trip before the get came. It never
crosses a write to its key that went through this process: each write, by whatever command, closes the flight.
"""

from __future__ import annotations

from collections.abc import Callable

from mcproxy.request import Continuation, KeysRequest, Op, Request

_GET = Op.GET.value
_READING = frozenset({Op.GETS.value, Op.META_DEBUG.value, Op.VERSION.value})

Flights = dict[bytes, "_Flight"]
"""The gets that others may join, by key. All ways to one server share them."""


class SingleFlight:
    """Stands before a destination's `send`. Of commands, only a `get` of one key joins or is joined."""

    __slots__ = ("_flights", "_send", "joined")

    def __init__(self, send: Callable[[Request], None], flights: Flights) -> None:
        self._send = send
        self._flights = flights
        self.joined = 0  # gets that were not sent

    def send(self, request: Request) -> None:
        """Send the request, or let it wait for the reply of its like."""
        op, flights = request.op, self._flights
        if op == _GET:
            flight = flights.get(request.key)
            if flight is not None:
                flight.followers.append(request)
                self.joined += 1
                return
            flights[request.key] = _Flight(request, flights)
        elif op not in _READING:
            self._close(request)
        self._send(request)

    def _close(self, request: Request) -> None:
        if not isinstance(request, KeysRequest):
            if request.key:
                self._flights.pop(request.key, None)
            else:  # flush_all
                self._flights.clear()
        elif request.text.startswith(b"gat"):  # may let items expire
            for key in request.keys:
                self._flights.pop(key, None)


class _Flight(Continuation):
    """The one that is sent, and those that wait with it."""

    __slots__ = ("_flights", "_key", "followers")

    def __init__(self, request: Request, flights: Flights) -> None:
        super().__init__(request)
        self._flights = flights
        self._key = request.key
        self.followers: list[Request] = []

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if self._flights.get(self._key) is self:
            del self._flights[self._key]
        self.pass_up(request, result, raw)
        for follower in self.followers:
            follower.answer(result, raw)
