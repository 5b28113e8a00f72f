"""mcrouter's own commands: `lease-get`, `lease-set`, `metaget`. Servers are asked by the meta protocol.

Each key of a line is a request of its own: no server tells of several keys in one reply.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mcproto.encode import CRLF, END
from mcproto.grammar import maybe_exptime, maybe_unsigned
from mcproto.limits import KEY_MAX
from mcproto.request_parser import ValueBlock
from mcproxy.lease import client_block, lease_get_text, lease_set_text
from mcproxy.multiget import MultiGet, Part, Router, Send
from mcproxy.outcome import FIRST_ERROR, OUTCOMES, Result
from mcproxy.request import Op, Request, Waiter
from mcproxy.request_text import Update
from mcproxy.routes.meta_item import idle_ttl_text, parse_ttl
from mcproxy.session import NUL, ClientSession

_LEASE_GET, _LEASE_SET, _META_GET = Op.LEASE_GET.value, Op.LEASE_SET.value, Op.META_GET.value
_FOUND, _STORED = Result.FOUND.value, Result.STORED.value

Block = Callable[[bytes, int, bytes], bytes]
"""What the client reads of (key, result, reply), without the END."""


def lease_get(session: ClientSession, tokens: list[bytes]) -> bool:
    """`lease-get key*`."""
    return _get_each(session, _LEASE_GET, tokens[1:], lease_get_text, client_block)


def metaget(session: ClientSession, tokens: list[bytes]) -> bool:
    """`metaget key*`: when each expires. Servers do not tell when an item was stored."""
    return _get_each(session, _META_GET, tokens[1:], idle_ttl_text, meta_block)


def meta_block(key: bytes, result: int, raw: bytes) -> bytes:
    """A miss is silent."""
    if result != _FOUND:
        return b""
    ttl_s = parse_ttl(raw)
    exptime = 0 if ttl_s < 0 else int(time.time()) + ttl_s
    return b"META %b age: unknown; exptime: %d; from: unknown\r\n" % (key, exptime)


def lease_set(session: ClientSession, tokens: list[bytes], value: ValueBlock) -> bool:
    """`lease-set key token flags exptime length [noreply]` and the value."""
    quiet = len(tokens) > 6 and tokens[-1] == b"noreply"
    if quiet:
        tokens.pop()
    if value is None:
        return session.too_large(quiet)
    if len(tokens) != 6 or value[-2:] != CRLF:
        return session.malformed()
    token, flags, exptime = maybe_unsigned(tokens[2]), maybe_unsigned(tokens[3]), maybe_exptime(tokens[4])
    if token is None or flags is None or exptime is None:
        return session.malformed()
    key = tokens[1]
    if len(key) > KEY_MAX or NUL in key:
        return session.bad_key(quiet)
    text = lease_set_text(key, token, Update(flags, exptime, bytes(value[:-2])))
    request = Request(_LEASE_SET, key, text, _StoredOrNot(session.waiter(len(value), quiet)))
    session.places.append(request)
    session.service.commands[_LEASE_SET] += 1
    session.service.routing.route(request)
    return False


def _get_each(
    session: ClientSession, op: int, keys: list[bytes], text_of: Callable[[bytes], bytes], block: Block
) -> bool:
    if not keys:
        return session.malformed()
    if max(map(len, keys)) > KEY_MAX or NUL in b"".join(keys):
        return session.bad_key()
    service = session.service
    service.commands[op] += len(keys)
    together = EachAlone(op, keys, text_of, block, session)
    session.places.append(together)
    if not session.is_watched:
        service.held.watch(session)
    together.send(service.routing)
    return False


class EachAlone(MultiGet):
    """A get whose keys do not share lines, and whose blocks are made here."""

    __slots__ = ("_block", "_text_of")

    def __init__(
        self, op: int, keys: Sequence[bytes], text_of: Callable[[bytes], bytes], block: Block, above: Waiter
    ) -> None:
        super().__init__(op, b"", keys, above)
        self._text_of = text_of
        self._block = block

    def _alone(self, keys: Sequence[bytes], send: Send) -> list[Part]:
        return [(send, Request(self._op, key, self._text_of(key), _Part(key, self._block, self))) for key in keys]

    def _by_server(self, keys: list[bytes], router: Router) -> list[Part]:
        return self._alone(keys, router.route)


class _Part:
    """One key of several. Routes see it without its routing prefix; here it is as the client asked for it."""

    __slots__ = ("_above", "_block", "_key")

    def __init__(self, key: bytes, block: Block, above: Waiter) -> None:
        self._key = key
        self._block = block
        self._above = above

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """Misses have their block too."""
        if result < FIRST_ERROR:
            result, raw = _FOUND, self._block(self._key, result, raw) + END
        request.key = self._key
        self._above.on_reply(request, result, raw)


class _StoredOrNot:
    """The waiter of a lease-set: whatever is wrong with the lease, NOT_STORED."""

    __slots__ = ("_above",)

    def __init__(self, above: Waiter) -> None:
        self._above = above

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """Errors are passed on as they are."""
        if result < FIRST_ERROR:
            result = _STORED if result == _STORED else Result.NOTSTORED.value
            raw = OUTCOMES[Result(result)].line
        self._above.on_reply(request, result, raw)
