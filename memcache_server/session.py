"""What a command sees of its connection: the store, the counters, and where replies go. Pure."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass

from mcproto import encode
from memcache_server.clock import Clock
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store

TURN_BYTES = 1 << 19  # of large replies, then others have their turn
_LAZY = 32 * 1024  # a value over this many bytes takes memory only as it comes


@dataclass(slots=True)
class Shared:
    """What all sessions of one server share. The server fills in the three calls."""

    settings: Settings
    store: Store
    stats: Stats
    clock: Clock
    verbosity: int = 0
    port: int = 0  # the first TCP port, as bound
    warn: Callable[[str, str], None] = lambda kind, text: None  # one rate-limited log line
    reap: Callable[[], None] = lambda: None  # begin to free what a flush has killed
    set_verbosity: Callable[[int], None] = lambda level: None


class Session:
    """One connection's side of the protocol: request context of the parser, first argument of every handler.

    `out` collects reply pieces; the connection sends them joined, once a read. `pending` is the rest of a
    request that goes on in the next turn, `closing` ends the connection once all is sent.
    """

    __slots__ = ("closing", "fresh", "out", "out_bytes", "pending", "server", "stats", "store")

    def __init__(self, server: Shared) -> None:
        self.server = server
        self.store = server.store
        self.stats = server.stats
        self.out: list[bytes] = []
        self.out_bytes = 0  # of large replies in this turn
        self.pending: Callable[[], bool | None] | None = None
        self.closing = False
        self.fresh = True  # nothing has come yet

    def count_large(self, size: int) -> bool:
        """Add a large reply, or many small ones, to the turn's; whether the turn has had enough."""
        self.out_bytes += size
        return self.out_bytes >= TURN_BYTES

    def unknown_command(self, tokens: list[bytes]) -> bool | None:
        """ERROR; silence after noreply; an HTTP request closes without a word (proto_text.c)."""
        last = tokens[-1]
        if last.startswith(b"HTTP/"):
            self.server.warn("http", "an HTTP request on the cache port, closed")
            self.stats.foreign_protocols += 1
            self.closing = True
            return True
        if last != b"noreply":
            self.out.append(encode.ERROR)
        return None

    def bad_line(self, tokens: list[bytes]) -> bool | None:
        """No value follows: the line itself is the error."""
        if not tokens or tokens[-1] != b"noreply":
            self.out.append(encode.BAD_LINE)
        return None

    def line_too_long(self) -> bool | None:
        """Closed without a word, as the original does."""
        self.closing = True
        return True

    def value_buffer(self, tokens: list[bytes], size: int) -> bytearray | memoryview | None:
        """Room for a value that comes in pieces, unless the store would refuse it for its length alone."""
        if size > self.store.options.item_size_max:
            return None
        if size <= _LAZY:
            return bytearray(size)
        return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
