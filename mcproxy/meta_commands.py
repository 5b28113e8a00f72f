"""The meta commands: `mg ms md ma me`, routed by their key, and `mn`, answered here.

A line is judged before it is sent on, by the rules of memcached 1.6.42; what a server cannot be asked is answered
in its own words. `q` stays here, so that upstream every request has its reply: see meta_reply.py.
"""

from __future__ import annotations

from mcproto.encode import BAD_DATA, BAD_LINE, CRLF
from mcproto.meta_flags import LONG_OPAQUE, MetaLine, parse_meta
from mcproto.request_parser import ValueBlock
from mcproxy.meta_reply import MetaReply
from mcproxy.meta_text import routing_key
from mcproxy.outcome import Result
from mcproxy.request import Op, Request, Waiter
from mcproxy.session import ClientSession

_GET, _SET, _DELETE = Op.META_GET.value, Op.META_SET.value, Op.META_DELETE.value
_ARITHMETIC, _DEBUG = Op.META_ARITHMETIC.value, Op.META_DEBUG.value
_CLIENT_ERROR = Result.CLIENT_ERROR


def meta_get(session: ClientSession, tokens: list[bytes]) -> bool:
    """`mg key flag*`."""
    return _send_line(session, _GET, tokens)


def meta_delete(session: ClientSession, tokens: list[bytes]) -> bool:
    """`md key flag*`."""
    return _send_line(session, _DELETE, tokens)


def meta_arithmetic(session: ClientSession, tokens: list[bytes]) -> bool:
    """`ma key flag*`."""
    return _send_line(session, _ARITHMETIC, tokens)


def meta_debug(session: ClientSession, tokens: list[bytes]) -> bool:
    """`me key [b]`; other words behind the key mean nothing."""
    return _send_line(session, _DEBUG, tokens[:3] if tokens[2:3] == [b"b"] else tokens[:2])


def meta_noop(session: ClientSession, tokens: list[bytes]) -> bool:
    """`mn`: comes behind the replies of all that was asked before."""
    session.say(b"MN\r\n")
    return False


def _send_line(session: ClientSession, op: int, tokens: list[bytes]) -> bool:
    line = parse_meta(tokens) if len(tokens) > 1 else BAD_LINE
    if isinstance(line, bytes):
        session.say_error(_CLIENT_ERROR, line)
        return False
    words = _without_q(tokens, 2) if b"q" in line.flags else tokens
    return _send(session, op, tokens[1], line, b"%b\r\n" % b" ".join(words), session)


def meta_set(session: ClientSession, tokens: list[bytes], value: ValueBlock) -> bool:
    """`ms key length flag*` and the value."""
    if value is None:
        return session.too_large(quiet=False)
    if value[-2:] != CRLF:
        return session.malformed(BAD_DATA)
    line = parse_meta(tokens, first_flag=3)
    if isinstance(line, MetaLine) and line.opaque_too_long:
        line = LONG_OPAQUE
    if isinstance(line, bytes):
        session.say_error(_CLIENT_ERROR, line)
        return False
    words = _without_q(tokens, 3) if b"q" in line.flags else tokens
    text = b"".join((b" ".join(words), CRLF, value))
    return _send(session, _SET, tokens[1], line, text, session.waiter(len(value), quiet=False))


def _without_q(tokens: list[bytes], first_flag: int) -> list[bytes]:
    return [word for at, word in enumerate(tokens) if at < first_flag or word[:1] != b"q"]


def _send(session: ClientSession, op: int, asked: bytes, line: MetaLine, text: bytes, above: Waiter) -> bool:
    key = routing_key(line.key, asked) if line.binary else asked
    request = Request(op, key, text, MetaReply(line, asked, above))
    session.places.append(request)
    service = session.service
    service.commands[op] += 1
    service.routing.route(request)
    return False
