"""md (protocol.txt, "Meta Delete").

    md key flag...  ->  HD | NF | EX

I marks the item stale instead of removing it, x empties its value; both together leave a tombstone.
"""

from mcproto import encode
from mcproto.meta_flags import LONG_OPAQUE, MetaLine, parse_meta
from memcache_server.commands.meta_reply import EX, HD, NF, expires_at, line_tokens
from memcache_server.session import Session


def meta_delete(session: Session, tokens: list[bytes]) -> None:
    """Remove an item, or mark or empty it."""
    line = parse_meta(tokens) if len(tokens) > 1 else encode.BAD_LINE
    if isinstance(line, bytes) or line.opaque_too_long:
        session.out.append(line if isinstance(line, bytes) else LONG_OPAQUE)
        return
    outcome = _outcome(session, line)
    if not outcome:
        session.out.append(encode.OUT_OF_MEMORY)
    elif outcome is not HD or b"q" not in line.flags:
        session.out.append(b"%b%b\r\n" % (outcome, line_tokens(line)))


def _outcome(session: Session, line: MetaLine) -> bytes:
    store, flags = session.store, line.flags
    handle = store.find(line.key)
    if not handle:
        session.stats.delete_misses += 1
        return NF
    if b"C" in flags and store.cas_of(handle) != flags[b"C"]:
        session.stats.delete_misses += 1
        return EX
    if b"x" not in flags and b"I" not in flags:
        store.delete(line.key)
        return HD
    exptime = expires_at(session, flags[b"T"]) if b"T" in flags else None
    if b"x" in flags:
        handle = store.empty(handle, line.key, b"%d" % flags.get(b"F", 0), exptime or 0)
        if not handle:
            return b""
        if b"E" in flags:
            store.set_cas(handle, flags[b"E"])
    if b"I" in flags:
        if exptime is not None:
            store.set_exptime(handle, exptime)
        store.invalidate(handle, flags.get(b"E"))
    return HD
