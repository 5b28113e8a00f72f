"""get and gets (protocol.txt, "Retrieval command").

A command's keys are answered in turns, so that nobody waits long for one who asks much. A line too long to be
split in one go (there may be millions of keys) is read slice by slice, twice: once to see that no key is too
long, for that voids the whole command, and once to answer.
"""

from collections.abc import Callable
from functools import partial

from mcproto.encode import BAD_LINE, END
from mcproto.limits import KEY_MAX
from memcache_server.session import TURN_BYTES, Session
from memcache_server.store import LargeText, Store

LARGE = 4096  # a reply of more bytes counts towards the turn
_LARGE_OF_MANY = 1024  # the same among many
TURN_KEYS = 512
KEY_COST = TURN_BYTES // (2 * TURN_KEYS)  # what a key of many counts, so that many of these commands end a turn
TOKEN_SIZE = 64  # bytes of memory that a short key in a list takes, about
_CHECKED = 32 * 1024  # bytes of a long line in one turn
_ANSWERED = 2 * 1024

Lookup = Callable[[bytes], bytes | LargeText | None]


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
        return len(text) > LARGE and session.count_large(len(text))
    return _get_many(session, tokens, session.store.get)


def gets(session: Session, tokens: list[bytes]) -> bool | None:
    """As get, with the CAS unique behind each length."""
    return _get_many(session, tokens, session.store.get_with_cas)


def _get_many(session: Session, tokens: list[bytes], lookup: Lookup) -> bool | None:
    if len(tokens) < 2 or max(map(len, tokens)) > KEY_MAX:
        session.out.append(BAD_LINE)  # one key too long voids the whole command
        return None
    return _answer_tokens(session, tokens, lookup, 1)


def _answer_tokens(session: Session, tokens: list[bytes], lookup: Lookup, start: int) -> bool | None:
    """Answer the keys from token `start`; when the turn's keys or bytes are used up, leave the rest pending."""
    position, enough = _append_texts(session, tokens, lookup, start, min(len(tokens), start + TURN_KEYS))
    if position < len(tokens):
        size = (len(tokens) - position) * TOKEN_SIZE
        return session.go_on(partial(_answer_tokens, session, tokens, lookup, position), size)
    session.out.append(END)
    return enough


def _append_texts(session: Session, keys: list[bytes], lookup: Lookup, start: int, end: int) -> tuple[int, bool]:
    """Texts of `keys` from `start`: where they stopped, at `end` or before, and whether the turn has had enough."""
    if type(session.store) is Store and lookup == session.store.get:
        texts = get_texts(session, keys[start:end], _LARGE_OF_MANY)
        session.out += filter(None, texts) if None in texts else texts  # type: ignore[arg-type]
        end, enough = start + len(texts), session.out_bytes >= TURN_BYTES
        return end, session.count_large((end - start) * KEY_COST) or enough
    append, misses, enough = session.out.append, 0, False
    for position in range(start, end):
        text = lookup(keys[position])
        if text is None:
            misses += 1
        else:
            append(text)
            if len(text) > _LARGE_OF_MANY and session.count_large(len(text)):
                end, enough = position + 1, True
                break
    session.stats.get_misses += misses
    return end, session.count_large((end - start) * KEY_COST) or enough


def get_texts(session: Session, keys: list[bytes], large: int) -> list[bytes | LargeText | None]:
    """What `get` finds for each key, up to the one with which the turn has had enough; misses are counted.

    Texts of more than `large` bytes count towards the turn.
    """
    texts, counted = session.store.get_many(keys, large, TURN_BYTES - session.out_bytes)
    session.out_bytes += counted
    session.stats.get_misses += texts.count(None)
    return texts


# lines too long to be split in one go


def get_long(session: Session, line: bytes) -> bool:
    """get with a line in one piece."""
    return _check_long(session, line, session.store.get, 0) is not None


def gets_long(session: Session, line: bytes) -> bool:
    """gets with a line in one piece."""
    return _check_long(session, line, session.store.get_with_cas, 0) is not None


def _check_long(session: Session, line: bytes, lookup: Lookup, start: int) -> bool | None:
    keys, following = _cut(line, start, _CHECKED)
    if max(map(len, keys), default=0) > KEY_MAX:
        session.out.append(BAD_LINE)
        return None
    if following < len(line):
        call = partial(_check_long, session, line, lookup, following)
    else:
        call = partial(_answer_long, session, line, lookup, line.index(b" "), [], 0)
    return session.go_on(call, len(line))


def _answer_long(
    session: Session, line: bytes, lookup: Lookup, following: int, keys: list[bytes], position: int
) -> bool | None:
    """Answer `keys` from `position`, then those of the line from byte `following`, a slice in a turn."""
    if position == len(keys):
        if following >= len(line):
            session.out.append(END)
            return None
        keys, following = _cut(line, following, _ANSWERED)
        position = 0
    position, _ = _append_texts(session, keys, lookup, position, len(keys))
    return session.go_on(partial(_answer_long, session, line, lookup, following, keys, position), len(line))


def _cut(line: bytes, start: int, size: int) -> tuple[list[bytes], int]:
    """The words in about `size` bytes of a line from `start`, and where the next ones begin."""
    end = line.find(b" ", start + size)
    if end < 0:
        end = len(line)
    return [word for word in line[start:end].split(b" ") if word], end + 1
