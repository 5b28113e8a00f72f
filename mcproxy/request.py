"""A request on its way through the routes, and who waits for its reply. Pure.

A request is routed by plain calls: each route handle passes it to a child until a destination takes it. Its
reply then goes to `request.waiter`. A route that wants to see the reply puts a Continuation there, which
remembers the waiter above it; there is no Future and no Task, and routes that do not look cost nothing. A route
that looks at errors only is the request's rescuer instead, which costs an attribute.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Protocol

from mcproto.encode import CRLF, END
from mcproto.reply_parser import Kind, ReplyParser
from mcproxy.outcome import FIRST_ERROR, LEASED, OUTCOMES, SEVERAL, Result, answer_table
from mcproxy.routing_prefix import PrefixedKey, split_prefix


class Op(IntEnum):
    """What a request asks for."""

    GET = 0
    GETS = 1
    GAT = 2
    GATS = 3
    SET = 4
    ADD = 5
    REPLACE = 6
    APPEND = 7
    PREPEND = 8
    CAS = 9
    DELETE = 10
    INCR = 11
    DECR = 12
    TOUCH = 13
    FLUSH_ALL = 14
    VERSION = 15
    # the meta commands mg, ms, md, ma, me
    META_GET = 16
    META_SET = 17
    META_DELETE = 18
    META_ARITHMETIC = 19
    META_DEBUG = 20
    # mcrouter's leases; lease.py says how servers are asked for them
    LEASE_GET = 21
    LEASE_SET = 22


class OpClass(Enum):
    """The groups that routes tell apart: get-like, update-like, delete-like, arithmetic, the rest."""

    GET = "get"
    UPDATE = "update"
    DELETE = "delete"
    ARITHMETIC = "arithmetic"
    TOUCH = "touch"
    ADMIN = "admin"


OP_CLASSES: dict[Op, OpClass] = {
    Op.GET: OpClass.GET,
    Op.GETS: OpClass.GET,
    Op.GAT: OpClass.GET,
    Op.GATS: OpClass.GET,
    Op.SET: OpClass.UPDATE,
    Op.ADD: OpClass.UPDATE,
    Op.REPLACE: OpClass.UPDATE,
    Op.APPEND: OpClass.UPDATE,
    Op.PREPEND: OpClass.UPDATE,
    Op.CAS: OpClass.UPDATE,
    Op.DELETE: OpClass.DELETE,
    Op.INCR: OpClass.ARITHMETIC,
    Op.DECR: OpClass.ARITHMETIC,
    Op.TOUCH: OpClass.TOUCH,
    Op.FLUSH_ALL: OpClass.ADMIN,
    Op.VERSION: OpClass.ADMIN,
    Op.META_GET: OpClass.GET,
    Op.META_SET: OpClass.UPDATE,
    Op.META_DELETE: OpClass.DELETE,
    Op.META_ARITHMETIC: OpClass.ARITHMETIC,
    Op.META_DEBUG: OpClass.ADMIN,
    Op.LEASE_GET: OpClass.GET,
    Op.LEASE_SET: OpClass.UPDATE,
}

META_OPS = frozenset(op.value for op in Op if op.name.startswith(("META_", "LEASE_")))
"""Their texts and replies are lines of the meta protocol: only session-side code and request_text.py read them."""

# The replies that fit, beside errors. Anything else means that the connection is out of step.
FITTING_REPLIES: dict[OpClass, dict[Kind, Result]] = {
    OpClass.GET: {Kind.VALUES: Result.FOUND, Kind.END: Result.NOTFOUND},
    OpClass.UPDATE: {
        Kind.STORED: Result.STORED,
        Kind.NOT_STORED: Result.NOTSTORED,
        Kind.EXISTS: Result.EXISTS,
        Kind.NOT_FOUND: Result.NOTFOUND,
    },
    OpClass.DELETE: {Kind.DELETED: Result.DELETED, Kind.NOT_FOUND: Result.NOTFOUND},
    OpClass.ARITHMETIC: {Kind.NUMBER: Result.STORED, Kind.NOT_FOUND: Result.NOTFOUND},
    OpClass.TOUCH: {Kind.TOUCHED: Result.TOUCHED, Kind.NOT_FOUND: Result.NOTFOUND},
    OpClass.ADMIN: {Kind.OK: Result.OK, Kind.VERSION: Result.OK},
}

FITTING_META_REPLIES: dict[Op, dict[Kind, Result]] = {
    Op.META_GET: {
        Kind.META_VALUE: Result.FOUND,
        Kind.META_HIT: Result.FOUND,
        Kind.META_MISS: Result.NOTFOUND,
    },
    Op.META_SET: {
        Kind.META_HIT: Result.STORED,
        Kind.META_NOT_STORED: Result.NOTSTORED,
        Kind.META_EXISTS: Result.EXISTS,
        Kind.META_NOT_FOUND: Result.NOTFOUND,
    },
    Op.META_DELETE: {
        Kind.META_HIT: Result.DELETED,
        Kind.META_EXISTS: Result.EXISTS,
        Kind.META_NOT_FOUND: Result.NOTFOUND,
    },
    Op.META_ARITHMETIC: {
        Kind.META_VALUE: Result.STORED,
        Kind.META_HIT: Result.STORED,
        Kind.META_NOT_STORED: Result.NOTSTORED,
        Kind.META_EXISTS: Result.EXISTS,
        Kind.META_NOT_FOUND: Result.NOTFOUND,
    },
    Op.META_DEBUG: {Kind.META_DEBUG: Result.FOUND, Kind.META_MISS: Result.NOTFOUND},
    Op.LEASE_GET: {Kind.META_VALUE: Result.FOUND, Kind.META_MISS: Result.NOTFOUND},
    Op.LEASE_SET: {
        Kind.META_HIT: Result.STORED,
        Kind.META_NOT_STORED: Result.NOTSTORED,
        Kind.META_EXISTS: Result.NOTSTORED,
        Kind.META_NOT_FOUND: Result.NOTSTORED,
    },
}


def _fitting(op: Op) -> dict[Kind, Result]:
    return FITTING_META_REPLIES[op] if op in FITTING_META_REPLIES else FITTING_REPLIES[OP_CLASSES[op]]


_TABLES = {op: answer_table(_fitting(op)) for op in Op}


def _looked_at(table: tuple[int, ...], sign: int) -> tuple[int, ...]:
    """The table with `sign` for hits: they need a closer look."""
    return tuple(sign if known == Result.FOUND else known for known in table)


RESULTS: tuple[tuple[int, ...], ...] = (
    *(_looked_at(table, LEASED) if op is Op.LEASE_GET else table for op, table in _TABLES.items()),
    _looked_at(_TABLES[Op.GET], SEVERAL),
)
"""`RESULTS[request.op][kind]`: the result of a reply, or a sign of outcome.py: UNFIT, SEVERAL, LEASED."""

_OPS_BY_WORD = {b"get": Op.GET, b"gets": Op.GETS, b"gat": Op.GAT, b"gats": Op.GATS}
_KEYS_OP = len(Op)  # the last row of RESULTS
_CLASS_OF = tuple(OP_CLASSES[op] for op in Op)


class Waiter(Protocol):
    """Who takes a reply: a client's session, a part of a multi-key get, a route's continuation."""

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """`result` is a Result as a plain int, `raw` the reply as a client would read it."""


class PartsWaiter(Waiter, Protocol):
    """Who waits for a KeysRequest: a get of many keys."""

    def await_more(self, parts: int) -> None:
        """So many replies more will come than were sent for."""


class Rescuer(Protocol):
    """A route that may know another way when a request fails, and does not care for any other reply."""

    def rescue(self, request: Request, result: int, raw: bytes) -> None:
        """An error is the reply: ask elsewhere, or let it be the answer. It is not the rescuer any more."""

    def stand_back(self, request: Request) -> None:
        """Somebody below wants to see the reply first: become a continuation, so that the order is kept."""


class Request:
    """One key's operation. `text` is the full form as it goes upstream, never `noreply`.

    `op` is an Op as a plain int. `reply` is set by whoever keeps the request as its place in a queue. The
    `rescuer` gets errors before the waiter does: no Continuation is between them.
    """

    __slots__ = ("key", "op", "reply", "rescuer", "text", "waiter")

    def __init__(self, op: int, key: bytes, text: bytes, waiter: Waiter) -> None:
        self.op = op
        self.key = key
        self.text = text
        self.waiter = waiter
        self.reply: bytes | None = None
        self.rescuer: Rescuer | None = None

    @property
    def op_class(self) -> OpClass:
        """The group the operation belongs to."""
        return _CLASS_OF[self.op]

    def copy(self, waiter: Waiter) -> Request:
        """The same request once more, for whoever sends it to several places."""
        return Request(self.op, self.key, self.text, waiter)

    def answer(self, result: int, raw: bytes) -> None:
        """Give the reply to whoever waits."""
        rescuer, self.rescuer = self.rescuer, None
        if result >= FIRST_ERROR and rescuer is not None:
            rescuer.rescue(self, result, raw)
        else:
            self.waiter.on_reply(self, result, raw)

    def answer_by_default(self) -> None:
        """What a route that touches nothing says: NOT_STORED to updates, a miss to all else."""
        if self.op_class is OpClass.UPDATE:
            self.answer(Result.NOTSTORED, OUTCOMES[Result.NOTSTORED].line)
        elif self.op_class is OpClass.GET:
            self.answer(Result.NOTFOUND, END)
        else:
            self.answer(Result.NOTFOUND, OUTCOMES[Result.NOTFOUND].line)


class KeysRequest(Request):
    """A get of several keys that share a line to one server. It goes straight there: no route sees one.

    `keys` are as the server knows them, `asked` as the client does, and `results` are the server's counters.
    While the waiter is given a hit, `found` has its `keys` and `blocks`, unless it is one value alone.
    """

    __slots__ = ("asked", "found", "keys", "results")

    def __init__(self, start: bytes, keys: list[bytes], asked: list[bytes], results: list[int], waiter: Waiter) -> None:
        self.op = _KEYS_OP
        self.key = b""
        self.text = b"%b%b\r\n" % (start, b" ".join(keys))
        self.waiter = waiter
        self.reply = None
        self.rescuer = None
        self.keys = keys
        self.asked = asked
        self.results = results
        self.found: ReplyParser

    def apart(self, waiter: Waiter) -> list[OneOfKeys]:
        """A get of each key in its place, for a route that sends them elsewhere one by one."""
        start = self.text[: -len(b" ".join(self.keys)) - len(CRLF)]
        op = _OPS_BY_WORD[start.split(b" ", 1)[0]]
        return [OneOfKeys(op, start, key, name, waiter) for key, name in zip(self.keys, self.asked, strict=True)]


class OneOfKeys(Request):
    """A key of a KeysRequest by itself: `key` as routes know it, `asked` as the client does."""

    __slots__ = ("asked",)

    def __init__(self, op: int, start: bytes, key: bytes, asked: bytes, waiter: Waiter) -> None:
        prefix, bare = split_prefix(asked)
        name = PrefixedKey(prefix, key) if prefix and bare == key else key
        super().__init__(op, name, b"%b%b\r\n" % (start, key), waiter)
        self.asked = asked

    def block(self, raw: bytes) -> bytes:
        """The VALUE block of a hit, as the client reads it."""
        after_key = raw[len(b"VALUE ") + len(self.key) : -len(END)]
        return b"VALUE %b%b" % (self.asked, after_key)


class Continuation:
    """What a route leaves on a request to see its reply; subclasses add their state as slots."""

    __slots__ = ("above",)

    def __init__(self, request: Request) -> None:
        if request.rescuer is not None:
            request.rescuer.stand_back(request)
        self.above = request.waiter
        request.waiter = self

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """Look at the reply: ask again elsewhere, or pass it up."""
        raise NotImplementedError

    def pass_up(self, request: Request, result: int, raw: bytes) -> None:
        """Done: the reply goes to whoever waited before."""
        request.waiter = self.above
        self.above.on_reply(request, result, raw)
