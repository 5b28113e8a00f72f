"""The meta commands: `mg ms md ma me`, routed by their key, and `mn`, answered here.

A line is judged before it is sent on, by the rules of memcached 1.6.42; what a server cannot be asked is answered
in its own words. `q` stays here, so that upstream every request has its reply: see meta_reply.py.
"""

from __future__ import annotations

from mcproto.encode import BAD_DATA, BAD_LINE, CRLF
from mcproto.meta_flags import BAD_KEY, LONG_OPAQUE, MetaLine, parse_meta
from mcproto.request_parser import ValueBlock
from mcproxy.meta_reply import MetaReply
from mcproxy.meta_text import is_plain
from mcproxy.outcome import Result
from mcproxy.request import Op, Request, Waiter
from mcproxy.session import NUL, ClientSession

_GET, _SET, _DELETE = Op.META_GET.value, Op.META_SET.value, Op.META_DELETE.value
_ARITHMETIC, _DEBUG = Op.META_ARITHMETIC.value, Op.META_DEBUG.value
_CLIENT_ERROR = Result.CLIENT_ERROR

BAD_DELTA_FLAG = b"CLIENT_ERROR invalid or duplicate flag\r\n"
"""What a server says to an `ma` whatever is wrong with its flags."""

BAD_SET_MODE = b"CLIENT_ERROR invalid mode for ms M token\r\n"
_SET_MODES = (b"S", b"E", b"A", b"P", b"R")


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
        session.say_error(_CLIENT_ERROR, BAD_DELTA_FLAG if op == _ARITHMETIC and len(tokens) > 1 else line)
        return False
    if NUL in tokens[1]:
        return session.bad_key()
    if op == _DEBUG and not is_plain(line.key):  # its reply has the key
        session.say_error(_CLIENT_ERROR, BAD_KEY)
        return False
    return _send(session, op, tokens[1], line, b"%b\r\n" % b" ".join(_upstream_words(tokens, 2, line)), session)


def meta_set(session: ClientSession, tokens: list[bytes], value: ValueBlock) -> bool:
    """`ms key length flag*` and the value."""
    if value is None:
        return session.too_large(quiet=False)
    if value[-2:] != CRLF:
        return session.malformed(BAD_DATA)
    line = _judged_set(tokens)
    if isinstance(line, bytes):
        session.say_error(_CLIENT_ERROR, line)
        return False
    if NUL in tokens[1]:
        return session.bad_key()
    text = b"".join((b" ".join(_upstream_words(tokens, 3, line)), CRLF, value))
    return _send(session, _SET, tokens[1], line, text, session.waiter(len(value), quiet=False))


def _judged_set(tokens: list[bytes]) -> MetaLine | bytes:
    """What the line asks for, or the error: a server may refuse it and take the value for commands."""
    line = parse_meta(tokens, first_flag=3)
    if isinstance(line, bytes):
        return line
    if b"M" in line.flags and line.mode not in _SET_MODES:
        return BAD_SET_MODE
    return LONG_OPAQUE if line.opaque_too_long else line


def _upstream_words(tokens: list[bytes], first_flag: int, line: MetaLine) -> list[bytes]:
    """The line without what is done here: `q`, and `k` of a key that a server's reply must not contain.

    Old servers return a key as it is, line ends included, whoever shares the connection.
    """
    dropped = b"qk" if line.binary and not is_plain(line.key) else b"q"
    if b"q" not in line.flags and dropped == b"q":
        return tokens
    return [word for at, word in enumerate(tokens) if at < first_flag or word[0] not in dropped]


def _send(session: ClientSession, op: int, asked: bytes, line: MetaLine, text: bytes, above: Waiter) -> bool:
    # what routes see is the key behind base64, so that it lives where its plain twin does; but they may write
    # lines of their own with it
    key = line.key if not line.binary or is_plain(line.key) else asked
    request = Request(op, key, text, MetaReply(line, above))
    session.places.append(request)
    service = session.service
    service.commands[op] += 1
    service.routing.route(request)
    return False
