"""mg and mn (protocol.txt, "Meta Get", "Meta No-Op").

    mg key flag...  ->  EN | HD flag... | VA size flag... CRLF value CRLF

Flags act and return in the request's order, so `t T30 t` shows the old TTL and the new one. Behind them come
Z (somebody has won already), X (stale), W (this client wins: it shall store the item anew).
"""

from mcproto import encode
from mcproto.meta_flags import LONG_OPAQUE, MetaLine, parse_meta
from memcache_server.commands.meta_reply import EN, RETURN_FLAGS, expires_at, line_token, line_tokens
from memcache_server.session import TURN_BYTES, Session
from memcache_server.store.chunk import BINARY, WON

_LARGE = 4096  # a reply of more bytes counts towards the turn


def meta_noop(session: Session, tokens: list[bytes]) -> None:
    """MN: behind a batch of quiet commands it shows that all are done."""
    session.out.append(b"MN\r\n")


def meta_get(session: Session, tokens: list[bytes]) -> bool | None:
    """Look an item up, return and change what the flags say."""
    line = parse_meta(tokens) if len(tokens) > 1 else encode.BAD_LINE
    if isinstance(line, bytes):
        session.out.append(line)
        return None
    handle = session.store.find(line.key)
    if line.opaque_too_long:
        _refuse_opaque(session, line, handle)
        return None
    created = not handle and b"N" in line.flags
    if created:
        handle = _vivify(session, line)
    if handle:
        return _hit(session, line, handle, created)
    if created:
        session.out.append(encode.OUT_OF_MEMORY)
        return None
    session.stats.get_misses += 1
    if b"q" not in line.flags:
        session.out.append(b"%b%b\r\n" % (EN, line_tokens(line)))
    return None


def _refuse_opaque(session: Session, line: MetaLine, handle: int) -> None:
    """The error, after the look-up has had its effect."""
    if not handle:
        session.stats.get_misses += 1
    elif b"u" not in line.flags:
        session.store.use(handle)
    session.out.append(LONG_OPAQUE)


def _vivify(session: Session, line: MetaLine) -> int:
    """An empty item for a key that has none."""
    store = session.store
    handle = store.vivify(line.key, encode.CRLF)
    if handle and line.binary:
        store.mark(handle, BINARY)
    if handle and b"E" in line.flags:
        store.set_cas(handle, line.flags[b"E"])
    return handle


def _hit(session: Session, line: MetaLine, handle: int, created: bool) -> bool | None:
    store, flags = session.store, line.flags
    wanted = b"v" in flags and (b"C" not in flags or store.cas_of(handle) != flags[b"C"])
    returned, wins = _follow_flags(session, line, handle, created)
    has_won, stale = store.is_won(handle), store.is_stale(handle)
    wins = wins or (stale and not has_won)
    returned += (b" Z" if has_won else b"") + (b" X" if stale else b"") + (b" W" if wins else b"")
    if wins:
        store.mark(handle, WON)
    value = store.value(handle) if wanted else b""
    store.count_fetch(handle, touched=b"T" in flags, used=b"u" not in flags)
    if wanted:
        head = b"VA %d%b\r\n" % (len(value) - 2, returned)
        if not isinstance(value, bytes):
            session.out += (head, value)
            return session.count_large(TURN_BYTES)  # it ends the turn, however long the value itself is
        session.out.append(head + value)
        return len(value) > _LARGE and session.count_large(len(value))
    session.out.append(b"HD%b\r\n" % returned)
    return None


def _follow_flags(session: Session, line: MetaLine, handle: int, created: bool) -> tuple[bytes, bool]:
    """Act on each flag in turn: what they return, and whether this client wins by N or R."""
    store, returned, wins = session.store, b"", created
    for letter, number in line.flags.items():
        if letter in RETURN_FLAGS:
            returned += RETURN_FLAGS[letter](store, handle)
        elif letter == b"T" or (letter == b"N" and created):
            store.set_exptime(handle, expires_at(session, number))
        elif letter == b"R" and not created and not store.is_won(handle):
            wins = 0 != store.exptime_of(handle) < expires_at(session, number)
        else:
            returned += line_token(line, letter)
    return returned, wins
