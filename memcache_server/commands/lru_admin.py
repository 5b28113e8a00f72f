"""lru (protocol.txt, "LRU tuning")."""

from mcproto import encode
from mcproto.grammar import maybe_decimal, maybe_exptime, maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session

_PCT_MAX = 80
_TUNE_WORDS = 6
_SEGMENTED = {b"flat": False, b"segmented": True}


def lru(session: Session, tokens: list[bytes]) -> None:
    """lru tune hot warm hot_factor warm_factor; lru mode flat|segmented; lru temp_ttl seconds.

    mode and temp_ttl are errors without the LRU maintainer.
    """
    reply, maintained = encode.ERROR, session.server.settings.options.lru_maintainer
    if len(tokens) >= _TUNE_WORDS and tokens[1] == b"tune":
        reply = _tune(session, tokens)
    elif len(tokens) > 2 and maintained and tokens[1] == b"mode":
        reply = _mode(session, tokens[2])
    elif len(tokens) > 2 and maintained and tokens[1] == b"temp_ttl":
        reply = _temporary_ttl(session, tokens[2])
    if tokens[-1] != b"noreply":
        session.out.append(reply)


def _tune(session: Session, tokens: list[bytes]) -> bytes:
    hot, warm = (maybe_unsigned(token, U32) for token in tokens[2:4])
    hot_factor, warm_factor = map(maybe_decimal, tokens[4:6])
    if hot is None or warm is None or hot_factor is None or warm_factor is None:
        return encode.ERROR
    if hot + warm > _PCT_MAX:
        return b"ERROR hot and warm pcts must not exceed 80\r\n"
    if hot_factor <= 0 or warm_factor <= 0:
        return b"ERROR hot/warm age factors must be greater than 0\r\n"
    tuning = session.store.tuning
    tuning.hot_lru_pct, tuning.warm_lru_pct = hot, warm
    tuning.hot_max_factor, tuning.warm_max_factor = hot_factor, warm_factor
    return encode.OK


def _mode(session: Session, word: bytes) -> bytes:
    if word not in _SEGMENTED:
        return encode.ERROR
    session.store.segmented = _SEGMENTED[word]
    return encode.OK


def _temporary_ttl(session: Session, token: bytes) -> bytes:
    """Negative: no items are temporary any more."""
    ttl = maybe_exptime(token)
    if ttl is None:
        return encode.ERROR
    tuning = session.store.tuning
    tuning.temp_lru = ttl >= 0
    tuning.temporary_ttl = ttl if ttl >= 0 else tuning.temporary_ttl
    return encode.OK
