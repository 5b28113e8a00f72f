"""slabs (protocol.txt, "Slabs Reassign", "Slabs Automove")."""

from collections.abc import Callable

from mcproto import encode
from mcproto.grammar import maybe_decimal, maybe_exptime, maybe_unsigned
from mcproto.limits import U32
from memcache_server.session import Session
from memcache_server.store.page_mover import Reassigned
from memcache_server.tunables import Tunables

_REASSIGN_REPLY = {
    Reassigned.OK: encode.OK,
    Reassigned.BUSY: b"BUSY currently processing reassign request\r\n",
    Reassigned.BAD_CLASS: b"BADCLASS invalid src or dst class id\r\n",
    Reassigned.NO_SPARE: b"NOSPARE source class has no spare pages\r\n",
    Reassigned.SAME: b"SAME src and dst class are identical\r\n",
}
_REASSIGN_DISABLED = b"CLIENT_ERROR slab reassignment disabled\r\n"
_REASSIGN_WORDS = 4
_AUTOMOVE_MAX = 2


def slabs(session: Session, tokens: list[bytes]) -> None:
    """slabs reassign src dst; slabs automove level, or ratio, freeratio or window and a number.

    Only automove knows noreply.
    """
    if len(tokens) == _REASSIGN_WORDS and tokens[1] == b"reassign":
        reply = _reassign(session, tokens[2], tokens[3])
    elif len(tokens) > 2 and tokens[1] == b"automove":
        reply = _automove(session.server.tunables, tokens)
        if tokens[-1] == b"noreply":
            return
    else:
        reply = encode.ERROR
    session.out.append(reply)


def _reassign(session: Session, source: bytes, target: bytes) -> bytes:
    """A page begins to move. Class -1 is any one, 0 the pool of free pages."""
    server, numbers = session.server, (maybe_exptime(source), maybe_exptime(target))
    if not server.settings.options.slab_reassign:
        return _REASSIGN_DISABLED
    if numbers[0] is None or numbers[1] is None:
        return encode.BAD_LINE
    result = server.mover.reassign(numbers[0], numbers[1])
    if result == Reassigned.OK:
        server.move_pages()
    return _REASSIGN_REPLY[result]


def _automove(tunables: Tunables, tokens: list[bytes]) -> bytes:
    """Whether pages move by themselves, and when."""
    parse = _AUTOMOVE_NUMBERS.get(tokens[2])
    if parse is not None:
        number = parse(tokens[3]) if len(tokens) > 3 else None
        if number is None:
            return encode.ERROR
        setattr(tunables, f"slab_automove_{tokens[2].decode()}", number)
        return encode.OK
    level = maybe_unsigned(tokens[2], U32)
    if level is None:
        return encode.BAD_LINE
    if level > _AUTOMOVE_MAX:
        return encode.ERROR
    tunables.slab_automove = level
    return encode.OK


def _window(token: bytes) -> int | None:
    return maybe_unsigned(token, U32)


_AUTOMOVE_NUMBERS: dict[bytes, Callable[[bytes], float | None]] = {
    b"ratio": maybe_decimal,
    b"freeratio": maybe_decimal,
    b"window": _window,
}
