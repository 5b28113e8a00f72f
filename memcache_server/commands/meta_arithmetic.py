"""ma (protocol.txt, "Meta Arithmetic").

    ma key flag...  ->  HD flag... | VA size flag... CRLF number CRLF | NF | EX

Whatever is wrong with a flag, the answer is the same.
"""

from mcproto import encode
from mcproto.meta_flags import LONG_OPAQUE, MetaLine, parse_meta
from memcache_server.commands.meta_reply import (
    BAD_DELTA_FLAG,
    BAD_DELTA_MODE,
    EX,
    NF,
    RETURN_FLAGS,
    expires_at,
    line_token,
    line_tokens,
)
from memcache_server.session import Session
from memcache_server.store import StoreResult
from memcache_server.store.chunk import BINARY

_UP: dict[bytes, bool] = {b"I": True, b"+": True, b"D": False, b"-": False}
_RETURNED = (b"c", b"t")
_STORED, _NOT_FOUND = StoreResult.STORED.value, StoreResult.NOT_FOUND.value
_EXISTS, _NON_NUMERIC = StoreResult.EXISTS.value, StoreResult.NON_NUMERIC.value


def meta_arithmetic(session: Session, tokens: list[bytes]) -> None:
    """Add or subtract, or begin to count."""
    if len(tokens) < 2:
        session.out.append(encode.BAD_LINE)
        return
    line = parse_meta(tokens)
    if isinstance(line, bytes):
        session.out.append(BAD_DELTA_FLAG)
        return
    if b"M" in line.flags and line.mode not in _UP:
        session.out.append(BAD_DELTA_MODE)
        return
    reply = _outcome(session, line, _UP.get(line.mode, True))
    if line.opaque_too_long and not reply.startswith((b"CLIENT_ERROR", b"SERVER_ERROR")):
        reply = LONG_OPAQUE  # though it is done
    if reply:
        session.out.append(reply)


def _outcome(session: Session, line: MetaLine, up: bool) -> bytes:
    """The answer; empty when it is not to be told."""
    store, flags, created = session.store, line.flags, False
    result, number = store.add_delta(line.key, flags.get(b"D", 1), up, flags.get(b"C", 0))
    if result == _NOT_FOUND and b"N" in flags:
        number = flags.get(b"J", 0)
        created = bool(store.vivify(line.key, b"%d\r\n" % number))
        result = _STORED if created else StoreResult.NO_MEMORY.value
    if result == _STORED:
        returned = _follow_flags(session, line, store.index.find(line.key), created)
        if b"q" in flags:
            return b""
        digits = b"%d" % number
        return b"VA %d%b\r\n%b\r\n" % (len(digits), returned, digits) if b"v" in flags else b"HD%b\r\n" % returned
    if result == _NOT_FOUND:
        if up:
            session.stats.incr_misses += 1
        else:
            session.stats.decr_misses += 1
        return b"%b%b\r\n" % (NF, line_tokens(line))
    if result == _EXISTS:
        return b"%b%b\r\n" % (EX, line_tokens(line))
    return encode.NON_NUMERIC if result == _NON_NUMERIC else encode.OUT_OF_MEMORY


def _follow_flags(session: Session, line: MetaLine, handle: int, created: bool) -> bytes:
    """Act on each flag in turn; what they return."""
    store, returned = session.store, b""
    if created and line.binary:
        store.mark(handle, BINARY)
    if b"E" in line.flags:
        store.set_cas(handle, line.flags[b"E"])
    for letter, number in line.flags.items():
        if letter in _RETURNED:
            returned += RETURN_FLAGS[letter](store, handle)
        elif letter == b"T" or (letter == b"N" and created):
            store.set_exptime(handle, expires_at(session, number))
        else:
            returned += line_token(line, letter)
    return returned
