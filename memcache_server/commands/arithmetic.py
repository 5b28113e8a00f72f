"""incr and decr (protocol.txt, "Increment/Decrement")."""

from mcproto import encode
from mcproto.grammar import maybe_unsigned
from mcproto.limits import KEY_MAX
from memcache_server.session import Session
from memcache_server.store import StoreResult

_STORED, _NOT_FOUND = StoreResult.STORED.value, StoreResult.NOT_FOUND.value
_NON_NUMERIC = StoreResult.NON_NUMERIC.value


def incr(session: Session, tokens: list[bytes]) -> None:
    """Add; wraps at 2^64."""
    _change(session, tokens, up=True)


def decr(session: Session, tokens: list[bytes]) -> None:
    """Subtract; stops at 0."""
    _change(session, tokens, up=False)


def _change(session: Session, tokens: list[bytes], up: bool) -> None:
    noreply = tokens[-1] == b"noreply"
    reply = _outcome(session, tokens, up) if len(tokens) >= 3 else encode.BAD_LINE
    if not noreply:
        session.out.append(reply)


def _outcome(session: Session, tokens: list[bytes], up: bool) -> bytes:
    if len(tokens[1]) > KEY_MAX:
        return encode.BAD_LINE
    delta = maybe_unsigned(tokens[2])
    if delta is None:
        return encode.BAD_DELTA
    result, number = session.store.add_delta(tokens[1], delta, up)
    if result == _STORED:
        return b"%d\r\n" % number
    if result == _NON_NUMERIC:
        return encode.NON_NUMERIC
    if result != _NOT_FOUND:
        return encode.OUT_OF_MEMORY
    if up:
        session.stats.incr_misses += 1
    else:
        session.stats.decr_misses += 1
    return encode.NOT_FOUND
