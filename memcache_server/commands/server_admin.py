"""version, verbosity and quit (protocol.txt, "Other commands")."""

from mcproto import encode
from memcache_server.session import Session
from memcache_server.versions import MEMCACHED_VERSION

_VERSION = b"VERSION %b\r\n" % MEMCACHED_VERSION.encode()


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


def quit_(session: Session, tokens: list[bytes]) -> bool:
    """Close, after what was asked before is answered."""
    session.closing = True
    return True
