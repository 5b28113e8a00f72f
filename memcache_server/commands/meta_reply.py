"""What the meta commands have in common: their answers, the errors of a line, and the flags that return something."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from mcproto.limits import U32
from mcproto.meta_flags import MetaLine, key_token
from memcache_server.session import Session
from memcache_server.store import Store
from memcache_server.store.exptime import to_absolute

HD, NF, EX, NS, EN = b"HD", b"NF", b"EX", b"NS", b"EN"

BAD_SET_MODE = b"CLIENT_ERROR invalid mode for ms M token\r\n"
BAD_DELTA_MODE = b"CLIENT_ERROR invalid mode for ma M token\r\n"
BAD_DELTA_FLAG = b"CLIENT_ERROR invalid or duplicate flag\r\n"


def _ttl(store: Store, handle: int) -> bytes:
    """Seconds left; what a T of the same line has just let expire wraps, as in the original."""
    exptime = store.exptime_of(handle)
    return b" t%d" % (exptime - store.now & U32) if exptime else b" t-1"


# letter -> what it returns of an item
RETURN_FLAGS: dict[bytes, Callable[[Store, int], bytes]] = {
    b"c": lambda store, handle: b" c%d" % store.cas_of(handle),
    b"f": lambda store, handle: b" f" + store.client_flags(handle),
    b"k": lambda store, handle: key_token(store.key_of(handle), store.is_binary(handle)),
    b"h": lambda store, handle: b" h%d" % store.is_fetched(handle),
    b"l": lambda store, handle: b" l%d" % store.idle_seconds(handle),
    b"s": lambda store, handle: b" s%d" % store.value_length(handle),
    b"t": _ttl,
}


def line_token(line: MetaLine, letter: bytes) -> bytes:
    """What O and k return of the line itself; nothing for any other letter."""
    if letter == b"O":
        return b" " + line.opaque
    return key_token(line.key, line.binary) if letter == b"k" else b""


class ReplyForm:
    """A reply line in which only fields are missing: `text % pick(fields)`; `text` is all of it if `is_whole`.

    `parts` are its pieces with one `%b` or `%d` each, and the places of their fields.
    """

    __slots__ = ("is_whole", "pick", "text")

    def __init__(self, head: bytes, parts: Sequence[tuple[bytes, int]]) -> None:
        self.is_whole = not parts
        self.text = b"%b%b\r\n" % (head, b"".join([piece for piece, _ in parts]))
        self.pick: Callable[[Sequence[object]], Any] = itemgetter(*[place for _, place in parts] or [0])


def line_tokens(line: MetaLine) -> bytes:
    """The opaque and the key, as far as asked for, in the request's order."""
    return b"".join(line_token(line, letter) for letter in line.flags)


def expires_at(session: Session, wire: int) -> int:
    """The second of the server's clock that an exptime as sent stands for."""
    return to_absolute(wire, session.store.now, session.server.clock.started)
