"""lru (protocol.txt, "LRU tuning"). `lru tune` is kept for `stats settings`; there is one list a class to tune."""

from mcproto import encode
from mcproto.grammar import maybe_decimal, maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session

_PCT_MAX = 80
_TUNE_WORDS = 6


def lru(session: Session, tokens: list[bytes]) -> None:
    """lru tune hot warm hot_factor warm_factor; mode and temp_ttl are errors, as without the LRU maintainer."""
    reply = encode.ERROR
    if len(tokens) >= _TUNE_WORDS and tokens[1] == b"tune":
        reply = _tune(session, tokens)
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
    tunables = session.server.tunables
    tunables.hot_lru_pct, tunables.warm_lru_pct = hot, warm
    tunables.hot_max_factor, tunables.warm_max_factor = hot_factor, warm_factor
    return encode.OK
