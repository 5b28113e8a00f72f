"""L1L2SizeSplitRoute: large values live in l2, and l1 has a note that they do.

set of a large value    l2 k: the value ─stored─► l1 k: an empty value with NOTE_FLAG
lease-set of one        l2 k|==|R: the value ─stored─► l1 k: R with NOTE_FLAG, under the lease
                                             └not────► l1 k: the value, under the lease, for failure_ttl at most
get, gets, lease-get    l1 ─a note─► l2 ─miss─► the note is taken away
others                  l1

R is a number of one lease-set, so that a value whose lease is lost does not take another's place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from mcproto.encode import END
from mcproto.limits import KEY_MAX
from mcproxy.lease import hit_raw, miss_raw, parse_lease, parse_lease_set, with_update
from mcproxy.outcome import OUTCOMES, Result, is_error
from mcproxy.request import Continuation, Op, Request
from mcproxy.request_text import (
    Hit,
    cas_text,
    exptime_of,
    hit_flags,
    hit_reply,
    parse_hit,
    parse_update,
    sooner_exptime,
    storage_text,
    value_length,
)
from mcproxy.routes.base import Fields, RouteHandle, all_destinations
from mcproxy.routes.changed import with_text
from mcproxy.routes.context import RouteContext
from mcproxy.routing_prefix import named_as
from mcproxy.upstream.destination import Destination

NOTE_FLAG = 0x20
"""Client flag of an l1 entry whose value is in l2."""

RETRIES_MAX = 10
FAILURE_TTL_S = 60
_ALIAS = b"|==|"
_SUFFIX_ROOM = 24  # mcrouter's rule: room for what leases put behind the key, whether or not they are used
_NUMBERS = 2**32

_FOUND, _NOTFOUND, _STORED = Result.FOUND.value, Result.NOTFOUND.value, Result.STORED.value
_GET, _GETS, _SET, _CAS = Op.GET.value, Op.GETS.value, Op.SET.value, Op.CAS.value
_LEASE_GET, _LEASE_SET = Op.LEASE_GET.value, Op.LEASE_SET.value
_FETCHING = frozenset({_GET, _GETS, _LEASE_GET})


class L1L2SizeSplitRoute(RouteHandle):
    """Values of `threshold` bytes or more go to l2, if they live for `ttl_threshold` seconds or more.

    With `both`, l1 keeps the large value too, and l2 gets it in the background.
    """

    __slots__ = (
        "_rng",
        "_wall_time",
        "background",
        "both",
        "failure_ttl",
        "l1",
        "l2",
        "retries",
        "threshold",
        "ttl_threshold",
    )

    def __init__(
        self,
        l1: RouteHandle,
        l2: RouteHandle,
        threshold: int,
        context: RouteContext,
        *,
        ttl_threshold: int = 0,
        failure_ttl: int = FAILURE_TTL_S,
        both: bool = False,
        retries: int = 1,
    ) -> None:
        self.l1 = l1
        self.l2 = l2
        self.threshold = threshold
        self.background = context.background
        self._wall_time = context.wall_time
        self._rng = context.rng
        self.ttl_threshold = ttl_threshold
        self.failure_ttl = failure_ttl
        self.both = both
        self.retries = retries

    def route(self, request: Request) -> None:
        op = request.op
        if op in _FETCHING:
            _Fetch(request, self)
            self.l1.route(request)
        elif op == _SET and self._is_split(request):
            _Stored(request, self)
            (self.l1 if self.both else self.l2).route(request)
        elif op == _LEASE_SET and self._is_split(request):
            self._set_leased(request)
        else:
            self.l1.route(request)

    def _is_split(self, request: Request) -> bool:
        if value_length(request.text) < self.threshold or len(request.key) + _SUFFIX_ROOM > KEY_MAX:
            return False
        exptime = exptime_of(request.op, request.text)
        return exptime == 0 or (exptime or 0) >= self.ttl_threshold

    def _set_leased(self, request: Request) -> None:
        if self.both:
            _Stored(request, self)
            self.l1.route(request)
            return
        number, update = b"%d" % int(self._rng() * _NUMBERS), parse_lease_set(request.text)
        key = named_as(request.key + _ALIAS + number, request.key)
        text = storage_text(b"set", key, update.flags, update.exptime, update.value)
        self.l2.route(Request(_SET, key, text, _StoredFirst(request, number, self)))

    def failure_exptime(self, exptime: int) -> int:
        """What a large value gets that l1 has to keep."""
        return sooner_exptime(exptime, self.failure_ttl, self._wall_time())

    def take_note_away(self, key: bytes) -> None:
        """In the background, if it is still a note."""
        self.background.ask(self.l1.route, _GETS, key, b"gets %b\r\n" % key, partial(self._on_note, key))

    def _on_note(self, key: bytes, result: int, raw: bytes) -> None:
        if result == _FOUND and hit_flags(raw) & NOTE_FLAG and is_note(parse_hit(raw)):
            self.background.ask(self.l1.route, _CAS, key, gone_text(key, parse_hit(raw).cas_unique))

    def destinations(self) -> Sequence[Destination]:
        return all_destinations([self.l1, self.l2])

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `l1`, `l2`, `threshold` in bytes, `ttl_threshold` in seconds, `both_full_set`, `retries`.

        And `failure_ttl`, in seconds.
        """
        return cls(
            fields.child("l1"),
            fields.child("l2"),
            fields.integer("threshold"),
            fields.context,
            ttl_threshold=fields.integer("ttl_threshold", 0),
            failure_ttl=fields.integer("failure_ttl", FAILURE_TTL_S, low=1),
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
            if request.op == _LEASE_SET:
                leased = parse_lease_set(text)
                text = storage_text(b"set", key, leased.flags, leased.exptime, leased.value)
            self.pass_up(request, result, raw)
            route.background.ask(route.l2.route, _SET, key, text)
        else:
            update = parse_update(text)
            note = storage_text(b"set", key, update.flags | NOTE_FLAG, update.exptime, b"")
            route.l1.route(Request(_SET, key, note, _Answer(self, request)))


class _StoredFirst:
    """A leased value has been sent to l2; l1 gets the note, or the value."""

    __slots__ = ("_asked", "_number", "_route")

    def __init__(self, asked: Request, number: bytes, route: L1L2SizeSplitRoute) -> None:
        self._asked = asked
        self._number = number
        self._route = route

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        asked, route = self._asked, self._route
        update = parse_lease_set(asked.text)
        if result == _STORED:
            update = update._replace(flags=update.flags | NOTE_FLAG, value=self._number)
        else:
            update = update._replace(exptime=route.failure_exptime(update.exptime))
        route.l1.route(with_text(asked, with_update(asked.text, asked.key, update)))


class _Answer:
    """Ends a continuation with the reply to a request of its own."""

    __slots__ = ("_asked", "_continuation")

    def __init__(self, continuation: Continuation, asked: Request) -> None:
        self._continuation = continuation
        self._asked = asked

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._continuation.pass_up(self._asked, result, raw)


class _Fetch(Continuation):
    """Follows a note to l2. A note without its value is taken away; gets and lease-get then ask l1 again."""

    __slots__ = ("_asked", "_note", "_retries", "_route", "_step")

    def __init__(self, request: Request, route: L1L2SizeSplitRoute) -> None:
        super().__init__(request)
        self._asked = request
        self._route = route
        self._retries = route.retries
        self._note = Hit(0, b"")
        self._step: Callable[[int, bytes], None] = self._on_l1

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        self._step(result, raw)

    def _on_l1(self, result: int, raw: bytes) -> None:
        note = self._maybe_note(result, raw)
        if note is None:
            self._end(result, raw)
        elif result != _FOUND:  # a note marked stale: whoever has the lease makes the value anew
            self._end(result, miss_raw(parse_lease(raw).token))
        else:
            asked = self._asked.key
            key = named_as(asked + _ALIAS + note.value, asked) if note.value else asked
            self._note, self._step = note, self._on_l2
            self._route.l2.route(Request(_GET, key, b"get %b\r\n" % key, self))

    def _maybe_note(self, result: int, raw: bytes) -> Hit | None:
        if self._asked.op == _LEASE_GET:
            hit = parse_lease(raw).hit
        elif result == _FOUND and hit_flags(raw) & NOTE_FLAG:
            hit = parse_hit(raw)
        else:
            return None
        return hit if is_note(hit) else None

    def _on_l2(self, result: int, raw: bytes) -> None:
        asked = self._asked
        if result == _FOUND:
            hit = parse_hit(raw)._replace(cas_unique=self._note.cas_unique)  # cas goes to l1
            self._end(_FOUND, hit_raw(hit) if asked.op == _LEASE_GET else hit_reply(asked.key, hit))
        elif is_error(result):
            self._end(result, raw)
        elif asked.op == _GET:
            key = asked.key
            self._end(_NOTFOUND, END)
            self._route.take_note_away(key)
        elif self._retries:
            self._retries -= 1
            self._step = self._on_note_gone
            self._route.l1.route(Request(_CAS, asked.key, gone_text(asked.key, self._note.cas_unique), self))
        else:
            self._end(Result.LOCAL_ERROR, OUTCOMES[Result.LOCAL_ERROR].line)

    def _on_note_gone(self, result: int, raw: bytes) -> None:
        self._step = self._on_l1
        self._route.l1.route(self._asked)

    def _end(self, result: int, raw: bytes) -> None:
        del self._step  # it refers to this very object
        self.pass_up(self._asked, result, raw)


def is_note(hit: Hit) -> bool:
    """Whether an entry of l1 says that the value is in l2: under the key, or with the number behind it."""
    return bool(hit.flags & NOTE_FLAG) and (not hit.value or hit.value.isdigit())


def gone_text(key: bytes, cas_unique: bytes) -> bytes:
    """A cas that makes an entry expire at once, if it is still the one with this CAS unique."""
    return cas_text(key, 0, -1, b"", cas_unique)
