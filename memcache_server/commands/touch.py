"""touch, gat and gats (protocol.txt, "Touch", "Get And Touch").

`touch key exptime [noreply]`, `gat exptime key...`
"""

from functools import partial

from mcproto import encode
from mcproto.grammar import maybe_exptime, maybe_int32
from mcproto.limits import KEY_MAX
from memcache_server.commands.retrieval import KEY_COST, TOKEN_SIZE, TURN_KEYS
from memcache_server.session import Session
from memcache_server.store.exptime import to_absolute


def touch(session: Session, tokens: list[bytes]) -> None:
    """A new exptime for one item."""
    noreply = tokens[-1] == b"noreply"
    if len(tokens) < 3 or len(tokens[1]) > KEY_MAX:
        reply = encode.BAD_LINE
    elif (wire := maybe_exptime(tokens[2])) is None:
        reply = encode.BAD_EXPTIME
    elif session.store.touch(tokens[1], to_absolute(wire, session.store.now, session.server.clock.started)):
        reply = encode.TOUCHED
    else:
        session.stats.touch_misses += 1
        reply = encode.NOT_FOUND
    if not noreply:
        session.out.append(reply)


def gat(session: Session, tokens: list[bytes]) -> bool | None:
    """get, and a new exptime for each item found."""
    return _get_and_touch(session, tokens, with_cas=False)


def gats(session: Session, tokens: list[bytes]) -> bool | None:
    """gets, and a new exptime for each item found."""
    return _get_and_touch(session, tokens, with_cas=True)


def _get_and_touch(session: Session, tokens: list[bytes], with_cas: bool) -> bool | None:
    if len(tokens) < 3:
        session.out.append(encode.BAD_LINE)
        return None
    wire = maybe_int32(tokens[1])
    if wire is None:
        session.out.append(encode.BAD_EXPTIME)
        return None
    if max(map(len, tokens)) > KEY_MAX:
        session.out.append(encode.BAD_LINE)
        return None
    exptime = to_absolute(wire, session.store.now, session.server.clock.started)
    return _touch_from(session, tokens, exptime, with_cas, 2)


def _touch_from(session: Session, tokens: list[bytes], exptime: int, with_cas: bool, start: int) -> bool | None:
    """Answer the keys from token `start`; when the turn's keys or bytes are used up, leave the rest pending."""
    end = min(len(tokens), start + TURN_KEYS)
    for position in range(start, end):
        text = session.store.get_and_touch(tokens[position], exptime, with_cas)
        if text is None:
            session.stats.touch_misses += 1
            continue
        session.out.append(text)
        if session.count_large(len(text)):
            end = position + 1
            break
    if end < len(tokens):
        size = (len(tokens) - end) * TOKEN_SIZE
        return session.go_on(partial(_touch_from, session, tokens, exptime, with_cas, end), size)
    session.out.append(encode.END)
    return session.count_large((end - start) * KEY_COST)
