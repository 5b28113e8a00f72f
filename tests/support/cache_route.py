"""A small cache as a route handle, for tests of routes that copy items: real replies to real texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mcproto.encode import NON_NUMERIC
from mcproxy.lease import lease_get_text, lease_result, lease_set_text, parse_lease_set
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Continuation, Op, Request
from mcproxy.request_text import Hit, Update, exptime_of, hit_reply, parse_update
from mcproxy.routes.base import RouteHandle

DYING = 2_000_000_000
"""As an exptime: less than a second is left."""


@dataclass
class Entry:
    flags: int
    exptime: int
    value: bytes
    unique: int
    is_leased: bool = False
    """It stands for a lease."""
    is_stale: bool = False


class CacheRoute(RouteHandle):
    """Answers at once, or in its turn when `later`; `failing` makes every reply that error.

    `texts` are all requests it has got. An exptime below 0 ends an entry; TTLs do not run.
    """

    def __init__(self, *, later: bool = False, failing: Result | None = None, **values: bytes) -> None:
        self.entries = {key.encode(): Entry(0, 0, value, 1) for key, value in values.items()}
        self.later = later
        self.failing = failing
        self.texts: list[bytes] = []
        self.waiting: list[Request] = []
        self._unique = 1

    def route(self, request: Request) -> None:
        self.texts.append(request.text)
        self.waiting.append(request)
        if not self.later:
            self.answer_next()

    def answer_next(self) -> None:
        request = self.waiting.pop(0)
        if self.failing is not None:
            request.answer(self.failing, OUTCOMES[self.failing].line)
            return
        answer, raw = self._answer(request)
        request.answer(answer, raw or OUTCOMES[answer].line)

    def answer_all(self) -> None:
        while self.waiting:
            self.answer_next()

    def put(self, key: bytes, value: bytes, flags: int = 0, exptime: int = 0) -> None:
        self._unique += 1
        self.entries[key] = Entry(flags, exptime, value, self._unique)

    def values(self) -> dict[bytes, bytes]:
        return {key: entry.value for key, entry in self.entries.items()}

    def _answer(self, request: Request) -> tuple[Result, bytes]:
        op, key, text = Op(request.op), request.key, request.text
        words = text[: text.index(b"\r\n")].split(b" ")
        assert words[2 if op in (Op.GAT, Op.GATS) else 1] == key, "key and text differ"
        assert words[0] == _VERBS.get(op, op.name.lower().encode())
        entry = self.entries.get(key)
        if op is Op.LEASE_GET:
            raw = self._lease(key, entry, words)
            return (Result(lease_result(raw)) if raw.startswith(b"VA ") else Result.NOTFOUND), raw
        if op in (Op.LEASE_SET, Op.META_SET):
            return self._set_leased(op, key, entry, text), b""
        if op in _READS:
            return self._read(op, request, entry, words)
        if op in _WRITES:
            return self._write(op, key, entry, parse_update(text)), b""
        if op in (Op.DELETE, Op.META_DELETE):
            return (Result.DELETED if self.entries.pop(key, None) else Result.NOTFOUND), b""
        if entry is None:
            return Result.NOTFOUND, b""
        if op is Op.META_ARITHMETIC:
            return self._add(key, entry, 1)
        if op is Op.TOUCH:
            entry.exptime = int(words[2])
            return Result.TOUCHED, b""
        assert op in (Op.INCR, Op.DECR)
        return self._add(key, entry, int(words[2]) * (1 if op is Op.INCR else -1))

    def _add(self, key: bytes, entry: Entry, delta: int) -> tuple[Result, bytes]:
        if not entry.value.isdigit():
            return Result.CLIENT_ERROR, NON_NUMERIC
        self.put(key, b"%d" % (int(entry.value) + delta))
        return Result.STORED, self.entries[key].value + b"\r\n"

    def _lease(self, key: bytes, entry: Entry | None, words: list[bytes]) -> bytes:
        assert words[2:5] == [b"v", b"f", b"c"]
        if entry is None and words[5:] != [b"N10"]:
            return b"EN\r\n"
        signs = b""
        if entry is None:
            self.put(key, b"", exptime=10)
            entry, signs = self.entries[key], b" W"
            entry.is_leased = True
        elif entry.is_stale and not entry.is_leased:
            signs, entry.is_leased = b" W X", True
        elif entry.is_leased:
            signs = b" Z X" if entry.is_stale else b" Z"
        header = b"VA %d f%d c%d%b\r\n" % (len(entry.value), entry.flags, entry.unique, signs)
        return header + entry.value + b"\r\n"

    def _set_leased(self, op: Op, key: bytes, entry: Entry | None, text: bytes) -> Result:
        if op is Op.META_SET:
            update = Update(0, exptime_of(op, text) or 0, text.split(b"\r\n", 1)[1][:-2])
        else:
            update = parse_lease_set(text)
            if entry is None or entry.unique != int(update.cas_unique):
                return Result.NOTSTORED
        return self._write(Op.SET, key, entry, update)

    def _read(self, op: Op, request: Request, entry: Entry | None, words: list[bytes]) -> tuple[Result, bytes]:
        if entry is None:
            return Result.NOTFOUND, b"EN\r\n" if op is Op.META_GET else b"END\r\n"
        if op is Op.META_GET:
            shown = {b"f": b" f%d" % entry.flags, b"t": b" t%d" % _ttl(entry.exptime), b"k": b" k" + request.key}
            flags = b"".join(shown.get(word[:1], b"") for word in words[2:]) + (b" Z" if entry.is_leased else b"")
            if b"v" in words:
                return Result.FOUND, b"VA %d%b\r\n%b\r\n" % (len(entry.value), flags, entry.value)
            return Result.FOUND, b"HD%b\r\n" % flags
        if op in (Op.GAT, Op.GATS):
            entry.exptime = exptime_of(op, request.text) or 0
        unique = b"%d" % entry.unique if op in (Op.GETS, Op.GATS) else b""
        return Result.FOUND, hit_reply(request.key, Hit(entry.flags, entry.value, unique))

    def _write(self, op: Op, key: bytes, entry: Entry | None, update: Update) -> Result:
        if op is Op.CAS and entry is None:
            return Result.NOTFOUND
        if op is Op.CAS and entry is not None and entry.unique != int(update.cas_unique):
            return Result.EXISTS
        if (op is Op.ADD and entry) or (op in (Op.REPLACE, Op.APPEND, Op.PREPEND) and not entry):
            return Result.NOTSTORED
        if update.exptime < 0:
            self.entries.pop(key, None)
        elif op in _JOINS and entry is not None:
            self.put(key, _JOINS[op](entry.value, update.value), entry.flags, entry.exptime)
        else:
            self.put(key, update.value, update.flags, update.exptime)
        return Result.STORED


def _ttl(exptime: int) -> int:
    return 0 if exptime == DYING else exptime or -1


_READS = (Op.GET, Op.GETS, Op.GAT, Op.GATS, Op.META_GET)
_WRITES = (Op.SET, Op.ADD, Op.REPLACE, Op.APPEND, Op.PREPEND, Op.CAS)
_JOINS: dict[Op, Callable[[bytes, bytes], bytes]] = {
    Op.APPEND: lambda old, new: old + new,
    Op.PREPEND: lambda old, new: new + old,
}


def say(route: RouteHandle, text: bytes) -> list[tuple[Result, bytes]]:
    """Route the request of which this is the text; the list gets its reply, at once or later."""
    words = text[: text.index(b"\r\n")].split(b" ")
    op = op_of(words)
    heard = Heard()
    route.route(Request(op, words[2 if op in (Op.GAT, Op.GATS) else 1], text, heard))
    return heard.got


def op_of(words: list[bytes]) -> Op:
    """The operation of a text with this line: leases are told by how they are written."""
    if words[0] == b"mg" and words[2:] == [b"v", b"f", b"c", b"N10"]:
        return Op.LEASE_GET
    if words[0] == b"ms" and words[3][:1] == b"C":
        return Op.LEASE_SET
    return _META_OPS[words[0]] if words[0] in _META_OPS else Op[words[0].decode().upper()]


class Fallback(RouteHandle):
    """Asks the second child what the first answers with an error: the very request, so it must be as it was."""

    def __init__(self, first: RouteHandle, second: RouteHandle) -> None:
        self.children = (first, second)

    def route(self, request: Request) -> None:
        Retry(request, self.children[1])
        self.children[0].route(request)


class Retry(Continuation):
    def __init__(self, request: Request, second: RouteHandle) -> None:
        super().__init__(request)
        self.asked = request.key, request.text
        self.second = second

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        assert (request.key, request.text) == self.asked
        if result < Result.TIMEOUT:
            self.pass_up(request, result, raw)
        else:
            request.waiter = self.above
            self.second.route(request)


class Heard:
    """The waiter at the end; the reply must be to the request as it was asked."""

    def __init__(self) -> None:
        self.got: list[tuple[Result, bytes]] = []

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        assert request.waiter is self, "a continuation has not left"
        assert not self.got, "two replies to one request"
        self.got.append((Result(result), raw))


_META_OPS = {b"mg": Op.META_GET, b"ms": Op.META_SET, b"md": Op.META_DELETE, b"ma": Op.META_ARITHMETIC}
_VERBS = {op: verb for verb, op in _META_OPS.items()} | {Op.LEASE_GET: b"mg", Op.LEASE_SET: b"ms"}

LIKE = {
    "get": b"get k\r\n",
    "gets": b"gets k\r\n",
    "gat": b"gat 60 k\r\n",
    "set": b"set k 5 60 1\r\nx\r\n",
    "add": b"add k 5 60 1\r\nx\r\n",
    "cas": b"cas k 5 60 1 7\r\nx\r\n",
    "append": b"append k 5 60 1\r\nx\r\n",
    "delete": b"delete k\r\n",
    "incr": b"incr k 1\r\n",
    "touch": b"touch k 60\r\n",
    "mg": b"mg k v\r\n",
    "ms": b"ms k 1 T60\r\nx\r\n",
    "md": b"md k\r\n",
    "lease-get": lease_get_text(b"k"),
    "lease-set": lease_set_text(b"k", 9, Update(5, 60, b"x")),
}
"""A request of every kind, all for the key k."""
ERRORS = [result for result in Result if result >= Result.TIMEOUT]
