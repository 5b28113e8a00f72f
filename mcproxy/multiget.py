"""One client's get of several keys: a line per server, one reply. Pure.

get a b c d … ──► get a c … ──► server 1 ─┐
                  get b …   ──► server 2 ─┼──► VALUE a … VALUE c … END, in the client's order; misses are silent
                  get d     ──► a route  ─┘    or the first error, alone

Keys that merely choose a server share a line to it, and a key asked for twice is asked for once. Where a route
has more to do with a get than to choose, each key is a request of its own; so it is where they are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mcproto.encode import END, OUT_OF_MEMORY
from mcproto.errors import ProtocolError
from mcproto.limits import KEY_MAX, LINE_MAX
from mcproxy.outcome import FIRST_ERROR, Result
from mcproxy.request import KeysRequest, OneOfKeys, Request, Waiter

LINE_KEYS = 64
"""Keys of one line; lines of 16 cost 12 % more, longer ones save nothing.

Between the lines of a long get a server answers others. It also bounds what is one reply: a ReplyParser takes a
gigabyte, which is 64 values of 16 MB.
"""

FEW_KEYS = 8
"""With fewer, to look for those that share a server costs as much as it saves."""

_FOUND, _NOTFOUND = Result.FOUND.value, Result.NOTFOUND.value


Send = Callable[[Request], None]


class Server(Protocol):
    """Where a line goes; see upstream.destination.Destination."""

    results: list[int]

    def send(self, request: Request) -> None:
        """Bring the request to its reply, now or later."""


class Router(Protocol):
    """What knows where keys go; see routes.base.RouteHandle."""

    @property
    def route(self) -> Send:
        """Bring a request to its reply, now or later."""

    @property
    def locate(self) -> Callable[[Sequence[bytes]], tuple[Sequence[Server | None], Sequence[bytes]]]:
        """(server, key as it is there) of each key; no server where the get must be routed."""


Part = tuple[Send, Request]


class MultiGet:
    """Waits for its parts; then it hands itself, as a place with a reply, to the client's session."""

    __slots__ = (
        "_above",
        "_blocks",
        "_error",
        "_key_count",
        "_keys",
        "_left",
        "_op",
        "_result",
        "_start",
        "arrived_bytes",
        "reply",
    )

    def __init__(self, op: int, start: bytes, keys: Sequence[bytes], above: Waiter) -> None:
        """`start` is the line before the keys: b"get ", or b"gat 60 "."""
        self.reply: bytes | None = None
        self._op = op
        self._start = start
        self._keys = keys
        self._blocks: dict[bytes, bytes] = dict.fromkeys(keys, b"")  # what was found, as the client reads it
        self._key_count = len(self._blocks)
        self._above = above
        self._left = 0  # parts without a reply
        self._error = b""
        self._result = _FOUND
        self.arrived_bytes = 0  # of lines that have come in part, while held_replies.py looks

    def send(self, router: Router) -> None:
        """Send every part on its way. The reply may be here when this returns."""
        keys = list(self._blocks)
        parts = self._alone(keys, router.route) if len(keys) < FEW_KEYS else self._by_server(keys, router)
        self._left = len(parts)
        for send, request in parts:
            send(request)

    def _alone(self, keys: Sequence[bytes], send: Send) -> list[Part]:
        op, start = self._op, self._start
        return [(send, Request(op, key, b"%b%b\r\n" % (start, key), self)) for key in keys]

    def _by_server(self, keys: list[bytes], router: Router) -> list[Part]:
        if b"\0" in b"".join(keys):  # memcached ends a line there: the other keys would be lost
            return self._alone(keys, router.route)
        servers, inner = router.locate(keys)
        groups: dict[Server | None, list[bytes]] = {}
        for key, server in zip(keys, servers):  # noqa: B905  (the check costs)
            if server in groups:
                groups[server].append(key)
            else:
                groups[server] = [key]
        names = None if inner is keys else dict(zip(keys, inner, strict=True))
        parts = self._alone(groups.pop(None, ()), router.route)
        for server, group in groups.items():
            assert server is not None
            if len(group) == 1:
                parts += self._alone(group, server.send if names is None else router.route)
                continue
            for asked in _lines(group, LINE_MAX - len(self._start)):
                line = asked if names is None else [names[key] for key in asked]
                parts.append((server.send, KeysRequest(self._start, line, asked, server.results, self)))
        return parts

    def await_more(self, parts: int) -> None:
        """So many replies more will come than parts were sent."""
        self._left += parts

    @property
    def held_bytes(self) -> int:
        """What was found so far."""
        return sum(map(len, self._blocks.values())) + self.arrived_bytes

    def give_up(self) -> None:
        """It takes too much memory: that is the reply, and what still comes is dropped."""
        self.reply, self._keys, self._blocks = OUT_OF_MEMORY, (), {}
        self._above.on_reply(Request(self._op, b"", b"", self), Result.LOCAL_ERROR, OUT_OF_MEMORY)

    def forget(self) -> None:
        """Nobody is there to read it: what still comes is dropped."""
        self.reply, self._keys, self._blocks = b"", (), {}

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """A part is answered. Raises ProtocolError if the reply to a line does not fit; then it still waits."""
        if self.reply is not None:  # given up
            return
        if isinstance(request, KeysRequest):
            self._take_line(request, result, raw)
        elif result == _FOUND:
            if isinstance(request, OneOfKeys):
                self._blocks[request.asked] = request.block(raw)
            else:
                self._blocks[request.key] = raw[: -len(END)]
        if result >= FIRST_ERROR and not self._error:
            self._error, self._result = raw, result
        self._left -= 1
        if not self._left:
            self.reply = self._error or b"".join([*map(self._blocks.__getitem__, self._keys), END])
            self._keys, self._blocks = (), {}
            self._above.on_reply(request, self._result, self.reply)

    def _take_line(self, request: KeysRequest, result: int, raw: bytes) -> None:
        """The reply is counted as one where it came in; here it becomes one of each key."""
        results, asked = request.results, request.asked
        count = len(asked)
        if result != _FOUND:
            results[result] += count - 1
            return
        found, keys, blocks = self._blocks, request.found.keys, request.found.blocks
        if not keys:
            keys, blocks = [raw.split(b" ", 2)[1]], [raw[: -len(END)]]
        if asked is request.keys:
            found.update(zip(keys, blocks))  # noqa: B905  (the last block is END, without a key)
            is_fit = len(found) == self._key_count
        else:
            found.update(_renamed(dict(zip(keys, blocks)), request))  # noqa: B905
            is_fit = set(keys) <= set(request.keys)
        if not is_fit or len(keys) > count:
            # none of it is believed, and the other servers' lines must still fit
            self._blocks = {key: b"" if key in asked else found[key] for key in self._keys}
            raise ProtocolError(f"a value that was not asked for: {raw[:64]!r}")
        results[_FOUND] += len(keys) - 1
        results[_NOTFOUND] += count - len(keys)


def _renamed(found: dict[bytes, bytes], request: KeysRequest) -> dict[bytes, bytes]:
    """VALUE blocks by the names that the client uses; two of them may mean one key."""
    return {
        name: b"VALUE %b%b" % (name, found[key][len(b"VALUE ") + len(key) :])
        for key, name in zip(request.keys, request.asked, strict=True)
        if key in found
    }


def _lines(keys: list[bytes], room: int) -> list[list[bytes]]:
    """Runs of `keys` that fit a line of `room` bytes each: the whole, or halves of halves."""
    count = len(keys)
    if count <= LINE_KEYS and (count * (KEY_MAX + 1) <= room or sum(map(len, keys)) + count <= room or count == 1):
        return [keys]
    middle = len(keys) // 2
    return _lines(keys[:middle], room) + _lines(keys[middle:], room)
