"""Identical gets to one server at one time are sent once, and the reply is everybody's. Pure.

    get k      ──► sent ─────────────► VALUE k …  ──► to all three
    get k      ──┐ joins                  ▲
    get k m n  ──┴ joins; get m n ──► sent│
    set k      ──► sent; k's flight is closed: a get after it is sent anew

A get that joins may be answered with what the server had up to one round trip before the get came. It never
crosses a write to its key that went through this process: each write, by whatever command, closes the flight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from mcproto.encode import END
from mcproto.errors import ProtocolError
from mcproxy.outcome import Result
from mcproxy.request import Continuation, KeysRequest, Op, PartsWaiter, Request, Waiter

FLIGHTS_MAX = 100_000
"""Keys of one server that are under way and may be joined; gets of others are sent as ever."""

FOLLOWERS_MAX = 10_000
"""Gets that join one flight, and are all answered in one turn; the next one is sent anew."""

_GET = Op.GET.value
_READING = frozenset({Op.GETS.value, Op.META_DEBUG.value, Op.VERSION.value})
_FOUND, _NOTFOUND = Result.FOUND.value, Result.NOTFOUND.value

Flights = dict[bytes, "Flight"]
"""The gets that others may join, by key. All ways to one server share them."""


class SingleFlight:
    """Stands before a destination's `send`. Of commands, only `get` joins or is joined: each of its keys by itself."""

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
            if flight is not None and flight.takes(request):
                self.joined += 1
                return
            if len(flights) < FLIGHTS_MAX:
                flights[request.key] = Flight(request, flights, (request.key,))
        elif op not in _READING:
            if isinstance(request, KeysRequest):
                self._send_keys(request)
                return
            if request.key:
                flights.pop(request.key, None)
            else:  # flush_all
                flights.clear()
        self._send(request)

    def _send_keys(self, request: KeysRequest) -> None:
        flights = self._flights
        if request.text.startswith(b"get "):
            left = self._let_join(request) if not flights.keys().isdisjoint(request.keys) else request
            if left is None:
                return
            request = left
            if len(flights) + len(request.keys) <= FLIGHTS_MAX:
                flights.update(dict.fromkeys(request.keys, Flight(request, flights, request.keys)))
        elif request.text.startswith(b"gat"):  # may let items expire
            for key in request.keys:
                flights.pop(key, None)
        self._send(request)

    def _let_join(self, request: KeysRequest) -> KeysRequest | None:
        """What is left to be sent when each key that can has joined a flight; None for nothing."""
        flights, waiter = self._flights, request.waiter
        keys: list[bytes] = []
        asked: list[bytes] = []
        for key, name in zip(request.keys, request.asked, strict=True):
            flight = flights.get(key)
            if flight is None or not flight.takes(Request(_GET, key, b"", _under(name, key, waiter))):
                keys.append(key)
                asked.append(name)
        joined = len(request.keys) - len(keys)
        self.joined += joined
        cast(PartsWaiter, waiter).await_more(joined if keys else joined - 1)
        if not keys:
            return None
        return KeysRequest(b"get ", keys, keys if request.asked is request.keys else asked, request.results, waiter)


class Flight(Continuation):
    """The one that is sent, and those that wait with it; of a line, for any of its keys."""

    __slots__ = ("_flights", "_keys", "followers")

    def __init__(self, request: Request, flights: Flights, keys: tuple[bytes, ...] | list[bytes]) -> None:
        super().__init__(request)
        self._flights = flights
        self._keys = keys
        self.followers: list[Request] = []

    def takes(self, request: Request) -> bool:
        """Whether it may wait here."""
        followers = self.followers
        if len(followers) >= FOLLOWERS_MAX:
            return False
        followers.append(request)
        return True

    def close(self) -> None:
        """Nobody may join any more."""
        flights = self._flights
        for key in self._keys:
            if flights.get(key) is self:
                del flights[key]

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self.close()
        try:
            self.pass_up(request, result, raw)
        except ProtocolError:  # values that were not asked for: an error comes here next, for all
            request.waiter = self
            raise
        if not self.followers:
            return
        if isinstance(request, KeysRequest) and result == _FOUND:
            self._answer_each(_blocks(request, raw))
        else:
            for follower in self.followers:
                follower.answer(result, raw)

    def _answer_each(self, blocks: dict[bytes, bytes]) -> None:
        found = {key: blocks[key] + END for key in {follower.key for follower in self.followers} if key in blocks}
        for follower in self.followers:
            reply = found.get(follower.key)
            if reply is None:
                follower.answer(_NOTFOUND, END)
            else:
                follower.answer(_FOUND, reply)


def _blocks(request: KeysRequest, raw: bytes) -> dict[bytes, bytes]:
    """The VALUE block of each key that was found."""
    keys = request.found.keys
    if not keys:  # one alone
        return {raw.split(b" ", 2)[1]: raw[: -len(END)]}
    return dict(zip(keys, request.found.blocks, strict=False))  # the last block is END, without a key


def _under(name: bytes, key: bytes, waiter: Waiter) -> Waiter:
    """Who waits for a key's reply under the name that the client has for it."""
    return waiter if name == key else _Renamed(name, waiter)


class _Renamed:
    __slots__ = ("_above", "_name")

    def __init__(self, name: bytes, above: Waiter) -> None:
        self._name = name
        self._above = above

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if result == _FOUND:
            raw = b"VALUE %b%b" % (self._name, raw[len(b"VALUE ") + len(request.key) :])
        request.key = self._name
        self._above.on_reply(request, result, raw)
