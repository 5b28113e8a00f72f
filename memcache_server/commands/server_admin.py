"""version, verbosity, cache_memlimit, quit, shutdown, refresh_certs (protocol.txt), and debugtime of debug builds."""

import os
import signal

from mcproto import encode
from mcproto.grammar import maybe_int32, maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session
from memcache_server.versions import MEMCACHED_VERSION

SHUTDOWN_DISABLED = b"SERVER_ERROR: shutdown not enabled\r\n"
BAD_SHUTDOWN_MODE = b"CLIENT_ERROR invalid shutdown mode\r\n"
TLS_DISABLED = b"Error TLS not enabled\r\n"
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
    """cache_memlimit megabytes [noreply]. Pages beyond a lower limit are emptied in the background."""
    noreply = tokens[-1] == b"noreply"
    megabytes = maybe_unsigned(tokens[1], U32) if 2 <= len(tokens) <= 3 else None
    if megabytes is None:
        reply = encode.ERROR
    elif megabytes < _MEMLIMIT_MIN:
        reply = b"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"
    elif megabytes > _MEMLIMIT_MAX:
        reply = b"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"
    elif session.store.memory_limit.change(megabytes):
        reply = encode.OK
    else:
        reply = b"MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n"
    if not noreply:
        session.out.append(reply)


def quit_(session: Session, tokens: list[bytes]) -> bool:
    """Close, after what was asked before is answered."""
    session.closing = True
    return True


def shutdown(session: Session, tokens: list[bytes]) -> bool | None:
    """shutdown [graceful]: as the signals SIGINT and SIGUSR1 do, if -A allows it."""
    if not session.server.settings.enable_shutdown:
        session.out.append(SHUTDOWN_DISABLED)
        return None
    if len(tokens) == 1:
        number = signal.SIGINT
    elif tokens[1:] == [b"graceful"]:
        number = signal.SIGUSR1
    else:
        session.out.append(BAD_SHUTDOWN_MODE)
        return None
    os.kill(os.getpid(), number)
    session.closing, session.ending = True, "shutdown"
    return True


def refresh_certs(session: Session, tokens: list[bytes]) -> None:
    """Read the TLS certificate and key again."""
    if session.server.tls is None:
        session.out.append(TLS_DISABLED)
        return
    try:
        session.server.tls.refresh()
    except (OSError, ValueError) as error:
        session.out.append(b"%b\r\n" % str(error).encode())
    else:
        session.out.append(encode.OK)


def debugtime(session: Session, tokens: list[bytes]) -> None:
    """debugtime seconds|p|r: move the server's clock, stop it, let it go on."""
    clock = session.server.clock
    word = tokens[1] if len(tokens) > 1 else b""
    seconds = maybe_int32(word)
    if word == b"p":
        clock.paused = True
    elif word == b"r":
        clock.paused = False
    elif seconds is None:
        session.out.append(encode.ERROR)
        return
    else:
        session.store.tick(clock.move(seconds))
    session.out.append(encode.OK)
