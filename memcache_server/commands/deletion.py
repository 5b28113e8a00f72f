"""delete and flush_all (protocol.txt, "Deletion", "flush_all")."""

from mcproto import encode
from mcproto.grammar import maybe_exptime
from mcproto.limits import KEY_MAX
from memcache_server.session import Session
from memcache_server.store.exptime import to_absolute

FLUSH_NOT_ALLOWED = b"CLIENT_ERROR flush_all not allowed\r\n"


def delete(session: Session, tokens: list[bytes]) -> None:
    """delete key [0] [noreply]; any other word is refused, as 1.6.18 does and memccapable asks."""
    noreply = tokens[-1] == b"noreply"
    extra = tokens[2 : len(tokens) - noreply]
    if len(tokens) - noreply < 2 or len(tokens[1]) > KEY_MAX:
        reply = encode.BAD_LINE
    elif extra not in ([], [b"0"]):
        reply = encode.BAD_DELETE
    elif session.store.delete(tokens[1]):
        reply = encode.DELETED
    else:
        session.stats.delete_misses += 1
        reply = encode.NOT_FOUND
    if not noreply:
        session.out.append(reply)


def flush_all(session: Session, tokens: list[bytes]) -> None:
    """flush_all [delay] [noreply]: everything dies now, or at a second to come."""
    noreply = tokens[-1] == b"noreply"
    words = tokens[1 : len(tokens) - noreply]
    delay = maybe_exptime(words[0]) if words else 0
    session.stats.cmd_flush += 1  # refused ones too, as in the original
    if session.server.settings.disable_flush_all:
        reply = FLUSH_NOT_ALLOWED
    elif delay is None:
        reply = encode.BAD_EXPTIME
    else:
        if delay > 0:
            clock = session.server.clock
            session.store.flush_at(to_absolute(delay, session.store.now, clock.started) - 1)
        else:
            session.store.flush()
        session.server.reap()
        reply = encode.OK
    if not noreply:
        session.out.append(reply)
