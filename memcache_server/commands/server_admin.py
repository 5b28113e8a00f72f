"""version, verbosity, cache_memlimit and quit (protocol.txt, "Other commands")."""

from mcproto import encode
from mcproto.grammar import maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session
from memcache_server.versions import MEMCACHED_VERSION

_VERSION = b"VERSION %b\r\n" % MEMCACHED_VERSION.encode()

_MEMLIMIT_MIN, _MEMLIMIT_MAX = 8, 1_000_000_000  # megabytes that the original takes for such


def version(session: Session, tokens: list[bytes]) -> None:
    """The version of memcached whose behaviour this is; clients switch features on by it."""
    session.out.append(_VERSION)


def verbosity(session: Session, tokens: list[bytes]) -> None:
    """verbosity level [noreply]; at most 2."""
    noreply = tokens[-1] == b"noreply"
    if len(tokens) < 2 or not tokens[1].isdigit() or len(tokens[1]) > 10:
        reply = encode.BAD_LINE
    else:
        session.server.set_verbosity(min(2, int(tokens[1])))
        reply = encode.OK
    if not noreply:
        session.out.append(reply)


def cache_memlimit(session: Session, tokens: list[bytes]) -> None:
    """cache_memlimit megabytes [noreply]. Pages beyond a lower limit stay until the process ends."""
    noreply = tokens[-1] == b"noreply"
    megabytes = maybe_unsigned(tokens[1], U32) if 2 <= len(tokens) <= 3 else None
    if megabytes is None:
        reply = encode.ERROR
    elif megabytes < _MEMLIMIT_MIN:
        reply = b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"
    elif megabytes > _MEMLIMIT_MAX:
        reply = b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"
    elif session.store.allocator.set_page_limit(megabytes):
        reply = encode.OK
    else:
        reply = b"MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n"
    if not noreply:
        session.out.append(reply)


def quit_(session: Session, tokens: list[bytes]) -> bool:
    """Close, after what was asked before is answered."""
    session.closing = True
    return True
