"""BigValueRoute: values beyond a threshold are stored in chunks, since servers refuse items over their limit.

    set k V    set k:0:S, set k:1:S, ...  ─all stored─► set k "1-COUNT-S" with CHUNKED_FLAG
    get k      the flag? ─► get k:0:S, get k:1:S, ... ─all hits─► their values as one

lease-get goes as get: when a chunk is missing, the key is taken away, so that somebody gets the lease.

S is a hash of the value, so that chunks of two values never mix. The key itself is what is deleted, touched and
compared by its CAS unique; chunks without it are evicted in time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import mmh3

from mcproto.limits import KEY_MAX
from mcproxy.lease import hit_raw, miss_raw, parse_lease, parse_lease_set, with_update
from mcproxy.outcome import OUTCOMES, Result, severity
from mcproxy.request import Continuation, Op, Request
from mcproxy.request_text import (
    Hit,
    Update,
    cas_text,
    exptime_of,
    hit_flags,
    hit_reply,
    parse_hit,
    parse_update,
    storage_text,
    value_length,
)
from mcproxy.routes.base import Fields, RouteHandle
from mcproxy.routes.changed import with_text
from mcproxy.routing_prefix import named_as
from mcproxy.upstream.destination import Destination

CHUNKED_FLAG = 0x8000
"""Client flag of a key whose value says where its chunks are. It is mcrouter's, as is the value's form."""

DEFAULT_BATCH = 10
BATCH_MAX = 1000
"""Chunks under way at once when no batch size is given."""

CHUNKS_MAX = 1 << 20

_NO_HIT = Hit(0, b"")
_DIRECTORY = re.compile(rb"1-(\d{1,7})-(\d{1,20})")
_SUFFIX_ROOM = len(":1048575:18446744073709551615")

_FOUND, _STORED, _NOTFOUND = Result.FOUND.value, Result.STORED.value, Result.NOTFOUND.value
_GET, _GAT, _SET, _CAS = Op.GET.value, Op.GAT.value, Op.SET.value, Op.CAS.value
_LEASE_GET, _LEASE_SET = Op.LEASE_GET.value, Op.LEASE_SET.value
_FETCHING = frozenset({_GET, Op.GETS.value, _GAT, Op.GATS.value, _LEASE_GET})
# nothing can be put to a chunked value
_STORING = frozenset({_SET, Op.ADD.value, Op.REPLACE.value, _CAS, _LEASE_SET})


class BigValueRoute(RouteHandle):
    """Cuts what is stored, and joins what is fetched; everything else passes."""

    __slots__ = ("_behind", "batch", "flags_mask", "target", "threshold")

    def __init__(
        self, target: RouteHandle, threshold: int, batch: int = DEFAULT_BATCH, *, hides_flag: bool = False
    ) -> None:
        """Chunks have `threshold` bytes; `batch` of them are under way at once, 0 for many."""
        self.target = target
        self.threshold = threshold
        self.batch = min(batch or BATCH_MAX, BATCH_MAX)
        self.flags_mask = ~CHUNKED_FLAG if hides_flag else ~0
        self._behind: dict[bytes, list[Request]] = {}  # what waits for a key whose chunks are being stored

    def route(self, request: Request) -> None:
        if self._behind and request.key in self._behind:  # or a later request would overtake an earlier one
            self._behind[request.key].append(request)
            return
        op = request.op
        if op in _FETCHING:
            _Directory(request, self)
        elif op in _STORING and len(request.text) > self.threshold and self._is_cut(request):
            self._behind[request.key] = []
            _Cut(request, self).pump()
            return
        self.target.route(request)

    def go_on(self, key: bytes) -> None:
        """The key itself is on its way to its server: what waited for it comes behind."""
        for request in self._behind.pop(key):
            self.route(request)

    def _is_cut(self, request: Request) -> bool:
        length = value_length(request.text)
        fits = len(request.key) + _SUFFIX_ROOM <= KEY_MAX and length <= self.threshold * CHUNKS_MAX
        return length > self.threshold and fits

    def destinations(self) -> Sequence[Destination]:
        return self.target.destinations()

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `target`, `split_threshold` in bytes, `batch_size`, `hide_reply_flag`."""
        return cls(
            fields.child("target"),
            fields.integer("split_threshold", low=1),
            fields.integer("batch_size", DEFAULT_BATCH),
            hides_flag=fields.boolean("hide_reply_flag", False),
        )


class _Chunks:
    """The chunks of one value under way; when one fails, no more are sent."""

    __slots__ = ("_asked", "_count", "_failure", "_is_pumping", "_key_end", "_next", "_route", "_under_way")

    wanted: int

    def __init__(self, asked: Request, route: BigValueRoute, count: int, suffix: int) -> None:
        self._asked = asked
        self._route = route
        self._count = count
        self._key_end = b":%d" % suffix
        self._next = 0
        self._under_way = 0
        self._failure: tuple[int, bytes] | None = None
        self._is_pumping = False

    def pump(self) -> None:
        """Send as many as may be. A loop, however deep: some replies come at once."""
        if self._is_pumping:
            return
        self._is_pumping = True
        while self._failure is None and self._next < self._count and self._under_way < self._route.batch:
            number = self._next
            self._next += 1
            self._under_way += 1
            key = named_as(b"%b:%d%b" % (self._asked.key, number, self._key_end), self._asked.key)
            self._route.target.route(self.chunk_request(number, key))
        self._is_pumping = False
        if not self._under_way:
            self.end()

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A chunk is stored, or fetched, or not."""
        self._under_way -= 1
        if result == self.wanted:
            self.take(request.key, raw)
        elif self._failure is None or severity(result) > severity(self._failure[0]):
            self._failure = (result, raw)
        self.pump()

    def chunk_request(self, number: int, key: bytes) -> Request:
        """For one chunk."""
        raise NotImplementedError

    def take(self, key: bytes, raw: bytes) -> None:
        """A good reply."""

    def end(self) -> None:
        """Nothing is under way any more."""
        raise NotImplementedError


class _Cut(_Chunks):
    """Stores chunks; then the key itself."""

    __slots__ = ("_update", "_value")

    wanted = _STORED

    def __init__(self, asked: Request, route: BigValueRoute) -> None:
        self._update: Update = (parse_lease_set if asked.op == _LEASE_SET else parse_update)(asked.text)
        self._value = memoryview(self._update.value)
        count = -(-len(self._value) // route.threshold)
        super().__init__(asked, route, count, mmh3.hash64(self._update.value, signed=False)[0])

    def chunk_request(self, number: int, key: bytes) -> Request:
        start = number * self._route.threshold
        value = self._value[start : start + self._route.threshold]
        return Request(_SET, key, storage_text(b"set", key, 0, self._update.exptime, value), self)

    def end(self) -> None:
        key = self._asked.key  # the client's own, once an error has gone up
        self._store_directory()
        self._route.go_on(key)

    def _store_directory(self) -> None:
        asked, update = self._asked, self._update
        if self._failure is not None:
            asked.answer(*self._failure)
            return
        directory = b"1-%d-%b" % (self._count, self._key_end[1:])
        flags = update.flags | CHUNKED_FLAG
        if asked.op == _LEASE_SET:
            text = with_update(asked.text, asked.key, Update(flags, update.exptime, directory))
        elif update.cas_unique:
            text = cas_text(asked.key, flags, update.exptime, directory, update.cas_unique)
        else:
            verb = Op(asked.op).name.lower().encode()
            text = storage_text(verb, asked.key, flags, update.exptime, directory)
        self._route.target.route(with_text(asked, text))


class _Directory(Continuation):
    """Looks whether a hit says where chunks are. `retries` are for a lease-get whose chunks are gone."""

    __slots__ = ("_retries", "_route")

    def __init__(self, request: Request, route: BigValueRoute, retries: int = 1) -> None:
        super().__init__(request)
        self._route = route
        self._retries = retries

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if request.op == _LEASE_GET:
            hit = parse_lease(raw).hit
            is_chunked = bool(hit.flags & CHUNKED_FLAG)
            if is_chunked and result == _NOTFOUND:  # marked stale: its chunks are no stale value
                raw = miss_raw(parse_lease(raw).token)
        else:
            is_chunked = result == _FOUND and bool(hit_flags(raw) & CHUNKED_FLAG)
            hit = parse_hit(raw) if is_chunked else _NO_HIT
        if result == _FOUND and is_chunked:
            directory = _DIRECTORY.fullmatch(hit.value)
            count = int(directory[1]) if directory else 0
            if directory and 0 < count <= CHUNKS_MAX:
                request.waiter = self.above
                _Joined(request, self._route, count, int(directory[2]), hit, self._retries).pump()
                return
        self.pass_up(request, result, raw)


class _Joined(_Chunks):
    """Fetches chunks; their values are one."""

    __slots__ = ("_exptime", "_hit", "_retries", "_values")

    wanted = _FOUND

    def __init__(self, asked: Request, route: BigValueRoute, count: int, suffix: int, hit: Hit, retries: int) -> None:
        super().__init__(asked, route, count, suffix)
        self._exptime = exptime_of(asked.op, asked.text)
        self._hit = hit
        self._retries = retries
        self._values: dict[bytes, bytes] = {}  # in the order in which they were asked for

    def chunk_request(self, number: int, key: bytes) -> Request:
        self._values[key] = b""
        if self._exptime is None:
            return Request(_GET, key, b"get %b\r\n" % key, self)
        return Request(_GAT, key, b"gat %d %b\r\n" % (self._exptime, key), self)

    def take(self, key: bytes, raw: bytes) -> None:
        self._values[key] = parse_hit(raw).value

    def end(self) -> None:
        asked, hit, route = self._asked, self._hit, self._route
        if self._failure is not None:
            if asked.op == _LEASE_GET and self._failure[0] == _NOTFOUND:
                self._take_away()
            else:
                asked.answer(*self._failure)
            return
        whole = Hit(hit.flags & route.flags_mask, b"".join(self._values.values()), hit.cas_unique)
        asked.answer(_FOUND, hit_raw(whole) if asked.op == _LEASE_GET else hit_reply(asked.key, whole))

    def _take_away(self) -> None:
        """Nobody would get the lease of a key that is there."""
        asked = self._asked
        if not self._retries:
            asked.answer(Result.REMOTE_ERROR, OUTCOMES[Result.REMOTE_ERROR].line)
            return
        text = cas_text(asked.key, 0, -1, b"", self._hit.cas_unique)
        self._route.target.route(Request(_CAS, asked.key, text, _AskAgain(asked, self._route, self._retries - 1)))


class _AskAgain:
    """Waits until a key without its chunks is gone."""

    __slots__ = ("_asked", "_retries", "_route")

    def __init__(self, asked: Request, route: BigValueRoute, retries: int) -> None:
        self._asked = asked
        self._route = route
        self._retries = retries

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        _Directory(self._asked, self._route, self._retries)
        self._route.target.route(self._asked)


def with_big_values(root: RouteHandle, threshold: int, batch: int, hides_flag: bool) -> RouteHandle:
    """`root` as the options of big values want it; `threshold` 0 leaves it alone."""
    return BigValueRoute(root, threshold, batch, hides_flag=hides_flag) if threshold else root
