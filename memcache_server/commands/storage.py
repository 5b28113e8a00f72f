"""set, add, replace, append, prepend and cas (protocol.txt, "Storage commands").

    set key flags exptime bytes [noreply] CRLF value CRLF
    cas key flags exptime bytes unique [noreply] CRLF value CRLF

The line is judged before the value, and the value's bytes are gone either way (1.6.42; 1.6.18 read them as
commands after a bad line).
"""

from mcproto import encode
from mcproto.grammar import maybe_client_flags, maybe_exptime, maybe_unsigned
from mcproto.limits import KEY_MAX
from memcache_server.observed_store import log_store
from memcache_server.session import Session
from memcache_server.store import StoreResult, Value
from memcache_server.store.chunk import ITEM_OVERHEAD
from memcache_server.store.exptime import to_absolute

STORE_REPLY: tuple[bytes, ...] = (
    encode.STORED,
    encode.NOT_STORED,
    encode.EXISTS,
    encode.NOT_FOUND,
    encode.TOO_LARGE,
    encode.OUT_OF_MEMORY_STORING,
)
"""The answer to each StoreResult."""

_TOO_LARGE, _NO_MEMORY = StoreResult.TOO_LARGE.value, StoreResult.NO_MEMORY.value
_NOT_FOUND = StoreResult.NOT_FOUND.value


def set_(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Store unconditionally. A value too large takes the old item with it."""
    line = _line(session, tokens, value)
    if line is not None:
        _answer(session, tokens, session.store.set(*line))


def add(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Store if there is none."""
    line = _line(session, tokens, value)
    if line is not None:
        _answer(session, tokens, session.store.add(*line))


def replace(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Store if there is one."""
    line = _line(session, tokens, value)
    if line is not None:
        _answer(session, tokens, session.store.replace(*line))


def append(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Put behind; flags and exptime in the line are checked and ignored."""
    line = _line(session, tokens, value)
    if line is not None:
        _answer(session, tokens, session.store.append(line[0], line[3], line[1]))


def prepend(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Put before; flags and exptime in the line are checked and ignored."""
    line = _line(session, tokens, value)
    if line is not None:
        _answer(session, tokens, session.store.prepend(line[0], line[3], line[1]))


def cas(session: Session, tokens: list[bytes], value: Value | None) -> None:
    """Store if the item is still the one that was read."""
    unique = maybe_unsigned(tokens[5]) if len(tokens) > 5 else None
    line = _line(session, tokens, value, good=unique is not None)
    if line is not None:
        result = session.store.compare_and_set(*line, unique or 0)
        if result == _NOT_FOUND:
            session.stats.cas_misses += 1
        _answer(session, tokens, result)


def _line(
    session: Session, tokens: list[bytes], value: Value | None, good: bool = True
) -> tuple[bytes, bytes, int, Value] | None:
    """(key, client flags, absolute exptime, value) of a storage line, or None after the error was answered."""
    key, flags, exptime, at = tokens[1], tokens[2], tokens[3], 0
    if flags != b"0":
        number = maybe_client_flags(flags)
        good = good and number is not None
        flags = b"%d" % (number or 0)
    if exptime != b"0":
        wire = maybe_exptime(exptime)
        good = good and wire is not None
        at = to_absolute(wire or 0, session.store.now, session.server.clock.started)
    if not good or len(key) > KEY_MAX:
        error = encode.BAD_LINE
    elif is_too_large(session, key, flags, int(tokens[4]) + 2):
        error = refuse_large(session, tokens[0], key)
    elif value is None or not has_room(value):
        error = refuse_for_memory(session, tokens[0], key)
    elif not ends_line(value):
        session.store.count_refused(key, flags, len(value))
        error = encode.BAD_DATA
    else:
        return key, flags, at, value
    if tokens[-1] != b"noreply":
        session.out.append(error)
    return None


def is_too_large(session: Session, key: bytes, flags: bytes, length: int) -> bool:
    """Whether no item could hold it, which is said before anything is looked up."""
    limit = session.store.options.item_size_max
    if length + KEY_MAX + ITEM_OVERHEAD + 4 <= limit:
        return False
    return len(key) + length + ITEM_OVERHEAD + (4 if flags != b"0" else 0) > limit


def refuse_large(session: Session, verb: bytes, key: bytes) -> bytes:
    """Count a value that no item can hold, and drop what a set was to replace; the error."""
    session.stats.store_too_large += 1
    if session.server.watchers:
        fields = f"ttl=0 clsid=0 cfd={session.descriptor} size=0"
        log_store(session.server.watchers, key, "too_large", verb.decode(), fields)
    if verb == b"set":
        session.store.discard(key)  # never serve the value that was to be replaced
    return encode.TOO_LARGE


def has_room(value: Value) -> bool:
    """Whether there was memory for all of a value."""
    return isinstance(value, bytes) or value.handle != 0


def refuse_for_memory(session: Session, verb: bytes, key: bytes) -> bytes:
    """Count a value in flight for which there was no memory, and drop what a set was to replace; the error."""
    session.stats.store_no_memory += 1
    if verb == b"set":
        session.store.discard(key)
    return encode.OUT_OF_MEMORY_STORING


def ends_line(value: Value) -> bool:
    """Whether a line end stands behind a value, where its length says."""
    return (value[-2:] if isinstance(value, bytes) else value.tail) == b"\r\n"


def count_failure(session: Session, result: int, key: bytes, flags: bytes, length: int) -> None:
    """Count a store that stored nothing, of a value of `length` bytes with its CRLF."""
    if result == _TOO_LARGE:
        session.stats.store_too_large += 1
    elif result == _NO_MEMORY:
        session.stats.store_no_memory += 1
    else:
        session.store.count_refused(key, flags, length)


def _answer(session: Session, tokens: list[bytes], result: int) -> None:
    if result:
        flags = b"%d" % (maybe_client_flags(tokens[2]) or 0)
        count_failure(session, result, tokens[1], flags, int(tokens[4]) + 2)
    if len(tokens) == 5 or tokens[-1] != b"noreply":
        session.out.append(STORE_REPLY[result])
