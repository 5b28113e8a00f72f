"""L1L2SizeSplitRoute: large values live in l2, and l1 has a note that they do.

set of a large value    l2 the value ─stored─► l1 an empty value with NOTE_FLAG
get, gets               l1 ─a note─► l2 ─miss─► the note is taken away
others                  l1
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mcproto.encode import END
from mcproto.limits import KEY_MAX
from mcproxy.outcome import OUTCOMES, Result, is_error
from mcproxy.request import Continuation, Op, Request
from mcproxy.request_text import (
    cas_text,
    exptime_of,
    hit_flags,
    hit_reply,
    parse_hit,
    parse_update,
    storage_text,
    value_length,
)
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.upstream.destination import Destination

NOTE_FLAG = 0x20
"""Client flag of an l1 entry whose value is in l2."""

RETRIES_MAX = 10
_SUFFIX_ROOM = 24  # mcrouter's rule: room for what leases put behind the key, whether or not they are used

_FOUND, _NOTFOUND, _STORED = Result.FOUND.value, Result.NOTFOUND.value, Result.STORED.value
_GET, _GETS, _SET, _CAS = Op.GET.value, Op.GETS.value, Op.SET.value, Op.CAS.value


class L1L2SizeSplitRoute(RouteHandle):
    """Values of `threshold` bytes or more go to l2, if they live for `ttl_threshold` seconds or more.

    With `both`, l1 keeps the large value too, and l2 gets it in the background.
    """

    __slots__ = ("background", "both", "l1", "l2", "retries", "threshold", "ttl_threshold")

    def __init__(
        self,
        l1: RouteHandle,
        l2: RouteHandle,
        threshold: int,
        background: Background,
        *,
        ttl_threshold: int = 0,
        both: bool = False,
        retries: int = 1,
    ) -> None:
        self.l1 = l1
        self.l2 = l2
        self.threshold = threshold
        self.background = background
        self.ttl_threshold = ttl_threshold
        self.both = both
        self.retries = retries

    def route(self, request: Request) -> None:
        op = request.op
        if op in (_GET, _GETS):
            _Fetch(request, self)
            self.l1.route(request)
        elif op == _SET and self._is_split(request):
            _Stored(request, self)
            (self.l1 if self.both else self.l2).route(request)
        else:
            self.l1.route(request)

    def _is_split(self, request: Request) -> bool:
        if value_length(request.text) < self.threshold or len(request.key) + _SUFFIX_ROOM > KEY_MAX:
            return False
        exptime = exptime_of(request.op, request.text)
        return exptime == 0 or (exptime or 0) >= self.ttl_threshold

    def take_note_away(self, key: bytes) -> None:
        """In the background, if it is still a note."""
        self.background.ask(self.l1.route, _GETS, key, b"gets %b\r\n" % key, partial(self._on_note, key))

    def _on_note(self, key: bytes, result: int, raw: bytes) -> None:
        if result == _FOUND and is_note(raw):
            self.background.ask(self.l1.route, _CAS, key, gone_text(key, parse_hit(raw).cas_unique))

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self.l1, self.l2])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `l1`, `l2`, `threshold` in bytes, `ttl_threshold` in seconds, `both_full_set`, `retries`.

        `failure_ttl` is for leases, which nothing here has; it is checked and not used.
        """
        fields.integer("failure_ttl", 60, low=1)
        return cls(
            fields.child("l1"),
            fields.child("l2"),
            fields.integer("threshold"),
            fields.context.background,
            ttl_threshold=fields.integer("ttl_threshold", 0),
            both=fields.boolean("both_full_set", False),
            retries=fields.integer("retries", 1, low=1, high=RETRIES_MAX),
        )


class _Stored(Continuation):
    """A large value is stored in the one place; now for the other."""

    __slots__ = ("_route",)

    def __init__(self, request: Request, route: L1L2SizeSplitRoute) -> None:
        super().__init__(request)
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        route, key, text = self._route, request.key, request.text
        if result != _STORED:
            self.pass_up(request, result, raw)
        elif route.both:
            self.pass_up(request, result, raw)
            route.background.ask(route.l2.route, _SET, key, text)
        else:
            update = parse_update(text)
            note = storage_text(b"set", key, update.flags | NOTE_FLAG, update.exptime, b"")
            route.l1.route(Request(_SET, key, note, _Answer(self, request)))


class _Answer:
    """Ends a continuation with the reply to a request of its own."""

    __slots__ = ("_asked", "_continuation")

    def __init__(self, continuation: Continuation, asked: Request) -> None:
        self._continuation = continuation
        self._asked = asked

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._continuation.pass_up(self._asked, result, raw)


class _Fetch(Continuation):
    """Follows a note to l2. A note without its value is taken away; a gets then asks l1 again."""

    __slots__ = ("_asked", "_note", "_retries", "_route", "_step")

    def __init__(self, request: Request, route: L1L2SizeSplitRoute) -> None:
        super().__init__(request)
        self._asked = request
        self._route = route
        self._retries = route.retries
        self._note = b""  # l1's reply, when it is a note
        self._step = self._on_l1

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._step(result, raw)

    def _on_l1(self, result: int, raw: bytes) -> None:
        if result != _FOUND or not is_note(raw):
            self._end(result, raw)
            return
        key = self._asked.key
        self._note, self._step = raw, self._on_l2
        self._route.l2.route(Request(_GET, key, b"get %b\r\n" % key, self))

    def _on_l2(self, result: int, raw: bytes) -> None:
        asked = self._asked
        if result == _FOUND:
            unique = parse_hit(self._note).cas_unique  # cas goes to l1
            self._end(_FOUND, hit_reply(asked.key, parse_hit(raw)._replace(cas_unique=unique)))
        elif is_error(result):
            self._end(result, raw)
        elif asked.op == _GET:
            key = asked.key
            self._end(_NOTFOUND, END)
            self._route.take_note_away(key)
        elif self._retries:
            self._retries -= 1
            self._step = self._on_note_gone
            unique = parse_hit(self._note).cas_unique
            self._route.l1.route(Request(_CAS, asked.key, gone_text(asked.key, unique), self))
        else:
            self._end(Result.LOCAL_ERROR, OUTCOMES[Result.LOCAL_ERROR].line)

    def _on_note_gone(self, result: int, raw: bytes) -> None:
        self._step = self._on_l1
        self._route.l1.route(self._asked)

    def _end(self, result: int, raw: bytes) -> None:
        del self._step  # it refers to this very object
        self.pass_up(self._asked, result, raw)


def is_note(raw: bytes) -> bool:
    """Whether a hit of l1 says that the value is in l2."""
    return bool(hit_flags(raw) & NOTE_FLAG) and not parse_hit(raw).value


def gone_text(key: bytes, cas_unique: bytes) -> bytes:
    """A cas that makes an entry expire at once, if it is still the one with this CAS unique."""
    return cas_text(key, 0, -1, b"", cas_unique)
