"""me (protocol.txt, "Meta Debug").

    me key [b]  ->  EN | ME key exp=n la=n cas=n fetch=yes|no cls=n size=n

The key comes back as base64 if it was stored so.
"""

from binascii import b2a_base64

from mcproto import encode
from mcproto.meta_flags import parse_meta
from memcache_server.session import Session


def meta_debug(session: Session, tokens: list[bytes]) -> None:
    """What is known of an item; looking does not count as a use."""
    # other words behind the key mean nothing
    line = parse_meta(tokens[:3] if tokens[2:3] == [b"b"] else tokens[:2]) if len(tokens) > 1 else encode.BAD_LINE
    if isinstance(line, bytes):
        session.out.append(line)
        return
    session.stats.cmd_meta += 1
    store = session.store
    handle = store.find(line.key)
    if not handle:
        session.out.append(b"EN\r\n")
        return
    exptime = store.exptime_of(handle)
    session.out.append(
        b"ME %b exp=%d la=%d cas=%d fetch=%b cls=%d size=%d\r\n"
        % (
            b2a_base64(line.key, newline=False) if store.is_binary(handle) else line.key,
            exptime - store.now if exptime else -1,
            store.idle_seconds(handle),
            store.cas_of(handle),
            b"yes" if store.is_fetched(handle) else b"no",
            store.slab_class_of(handle),
            store.size_of(handle),
        )
    )
