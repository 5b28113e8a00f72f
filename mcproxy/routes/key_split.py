"""KeySplitRoute: copies of a hot key under several names, so that several servers share its load.

host 0, 3, 6 ...  k       each host reads and writes the copy that is its own;
host 1, 4, 7 ...  k::1    a delete goes to all of them
host 2, 5, 8 ...  k::2
"""

from __future__ import annotations

from collections.abc import Sequence

from mcproto.limits import KEY_MAX
from mcproxy.lease import look_text
from mcproxy.outcome import Result
from mcproxy.request import Op, OpClass, Request
from mcproxy.request_text import hit_with_key, with_key
from mcproxy.routes.background import Background
from mcproxy.routes.base import Fields, Located, RouteHandle
from mcproxy.routes.changed import is_usable_key, under_key
from mcproxy.routes.early_answer import EarlyAnswer
from mcproxy.routing_prefix import HASH_STOP, named_as
from mcproxy.upstream.destination import Destination

REPLICAS_MAX = 1000

_SUFFIX_ROOM = len("::999")
_GET, _LEASE_GET = Op.GET.value, Op.LEASE_GET.value
_SETS = frozenset({Op.SET.value, Op.META_SET.value})
_FOUND = Result.FOUND.value


class KeySplitRoute(RouteHandle):
    """The own copy of every key; with `all_sync` sets go to the others too, in the background.

    With `first_hit` a get asks all copies at once; so does a lease-get, which takes the own copy's lease alone.
    """

    __slots__ = ("_all_sync", "_background", "_child", "_first_hit", "_own", "_replicas")

    def __init__(
        self,
        child: RouteHandle,
        replicas: int,
        own: int,
        background: Background,
        *,
        all_sync: bool = False,
        first_hit: bool = False,
    ) -> None:
        """`own` is this host's copy, from 0 to `replicas` - 1."""
        self._child = child
        self._replicas = replicas
        self._own = own
        self._background = background
        self._all_sync = all_sync
        self._first_hit = first_hit

    def route(self, request: Request) -> None:
        key, op = request.key, request.op
        if not is_usable_key(key + b"-" * _SUFFIX_ROOM):
            self._child.route(request)
            return
        if self._first_hit and op in (_GET, _LEASE_GET):
            copies = self._copies(request)
            if op == _LEASE_GET:
                copies = [
                    (name, text if number == self._own else look_text(name))
                    for number, (name, text) in enumerate(copies)
                ]
            _FirstHit(request, self._own, len(copies), self._background).send_copies(self._child, copies)
            return
        copies = []
        if request.op_class is OpClass.DELETE or (op in _SETS and self._all_sync):
            copies = self._copies(request)
            del copies[self._own]
        self._child.route(under_key(request, replica_key(key, self._own)) if self._own else request)
        for name, text in copies:
            self._background.ask(self._child.route, op, named_as(name, key), text)

    def locate(self, keys: Sequence[bytes]) -> Located:
        if self._first_hit or len(max(keys, key=len)) + _SUFFIX_ROOM > KEY_MAX:
            return super().locate(keys)
        return self._child.locate([replica_key(key, self._own) for key in keys] if self._own else keys)

    def destinations(self) -> Sequence[Destination]:
        return self._child.destinations()

    def _copies(self, request: Request) -> list[tuple[bytes, bytes]]:
        """(key, text) of every copy."""
        keys = [replica_key(request.key, number) for number in range(self._replicas)]
        return [(key, with_key(request.op, request.text, key)) for key in keys]

    @classmethod
    def build(cls, fields: Fields) -> RouteHandle:
        """Config: `destination`, `replicas` from 2 to 1000, `all_sync`, and `first_hit`."""
        replicas = fields.integer("replicas", low=2, high=REPLICAS_MAX)
        return cls(
            fields.child("destination"),
            replicas,
            fields.context.host_id % replicas,
            fields.context.background,
            all_sync=fields.boolean("all_sync"),
            first_hit=fields.boolean("first_hit", False),
        )


def replica_key(key: bytes, number: int) -> bytes:
    """The name of a copy: number 0 is the key itself, the others have `::number` before the hash stop."""
    if not number:
        return key
    hashed, stop, rest = key.partition(HASH_STOP)
    return b"%b::%d%b%b" % (hashed, number, stop, rest)


class _FirstHit(EarlyAnswer):
    """Chooses the first hit, else what the own copy's server said."""

    __slots__ = ("_key", "_op", "_own", "_own_reply")

    def __init__(self, asked: Request, own: int, count: int, background: Background) -> None:
        super().__init__(asked, count, background)
        self._key = asked.key
        self._op = asked.op
        self._own = replica_key(asked.key, own)
        self._own_reply = (Result.NOTFOUND.value, b"")

    def send_copies(self, child: RouteHandle, copies: list[tuple[bytes, bytes]]) -> None:
        """Ask for every copy."""
        for key, text in copies:
            child.route(Request(self._op, named_as(key, self._key), text, self))

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        if request.key == self._own:
            self._own_reply = (result, raw)
        if result == _FOUND and self._op == _GET:
            raw = hit_with_key(raw, request.key, self._key)
        super().on_reply(request, result, raw)

    def decide(self, result: int, raw: bytes) -> None:
        if result == _FOUND:
            self.chosen = result, raw
        elif not self.left:
            self.chosen = self._own_reply
