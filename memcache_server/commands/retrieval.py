"""get and gets (protocol.txt, "Retrieval command")."""

from collections.abc import Callable
from functools import partial

from mcproto.encode import BAD_LINE, END
from mcproto.limits import KEY_MAX
from memcache_server.session import Session

_LARGE = 4096  # replies of this many bytes count towards the turn
_TURN_BYTES = 1 << 20
_TURN_KEYS = 512

Lookup = Callable[[bytes], bytes | None]


def get(session: Session, tokens: list[bytes]) -> bool | None:
    """VALUE blocks of the keys that are there, then END."""
    if len(tokens) == 2:
        text = session.store.get(tokens[1])
        if text is None:
            if len(tokens[1]) > KEY_MAX:
                session.out.append(BAD_LINE)
                return None
            session.stats.get_misses += 1
            session.out.append(END)
            return None
        session.out.append(text)
        session.out.append(END)
        return len(text) > _LARGE and session.count_large(len(text))
    return _get_many(session, tokens, session.store.get)


def gets(session: Session, tokens: list[bytes]) -> bool | None:
    """As get, with the CAS unique behind each length."""
    return _get_many(session, tokens, session.store.get_with_cas)


def _get_many(session: Session, tokens: list[bytes], lookup: Lookup) -> bool | None:
    if len(tokens) < 2 or max(map(len, tokens)) > KEY_MAX:
        session.out.append(BAD_LINE)  # one key too long voids the whole command
        return None
    return get_from(session, tokens, lookup, 1)


def get_from(session: Session, tokens: list[bytes], lookup: Lookup, start: int) -> bool | None:
    """Answer the keys from token `start`; when the turn's keys or bytes are used up, leave the rest pending."""
    append, misses = session.out.append, 0
    end = min(len(tokens), start + _TURN_KEYS)
    for position in range(start, end):
        text = lookup(tokens[position])
        if text is None:
            misses += 1
        else:
            append(text)
            if len(text) > _LARGE and session.count_large(len(text)):
                end = position + 1
                break
    session.stats.get_misses += misses
    if end < len(tokens):
        session.pending = partial(get_from, session, tokens, lookup, end)
        return True
    append(END)
    return None
