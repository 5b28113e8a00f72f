"""What a command sees of its connection: the store, the counters, and where replies go. Pure."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from mcproto import encode
from mcproto.request_parser import ValueBuffer
from memcache_server.clock import Clock
from memcache_server.prefix_stats import PrefixStats
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.storage_line import named_item
from memcache_server.store import Filling, LargeText, Store
from memcache_server.store.crawler import Crawler
from memcache_server.store.large_text import WINDOW
from memcache_server.store.lru_maintainer import LruMaintainer
from memcache_server.store.page_mover import PageMover
from memcache_server.tunables import Tunables
from memcache_server.watchers import Listener, Watchers

TURN_BYTES = WINDOW  # of large replies, then others have their turn


def shown_address(family: int, name: object) -> str:
    """A socket's name as `stats conns` shows it."""
    if family == socket.AF_UNIX or not isinstance(name, tuple):
        return f"unix:{name or ''}"
    return f"tcp6:[{name[0]}]:{name[1]}" if family == socket.AF_INET6 else f"tcp:{name[0]}:{name[1]}"


class Peer(Listener, Protocol):
    """What a command may ask of the connection it came by."""

    @property
    def descriptor(self) -> int:
        """Its file descriptor."""

    @property
    def addresses(self) -> tuple[str, str]:
        """The client's address and ours, as `tcp:1.2.3.4:5`."""

    @property
    def state(self) -> str:
        """What it is about, in the original's words (`conn_read` ...)."""

    @property
    def quiet_seconds(self) -> int | None:
        """Seconds since something came from the client; None when nobody knows."""

    def become_watcher(self) -> None:
        """Take no more commands."""


class Passwords(Protocol):
    """Who may log in, as sessions see it."""

    def match(self, user: bytes, password: bytes) -> bool:
        """Whether it is right."""

    def reload(self) -> None:
        """Read them again. Raises OSError, ValueError."""


class Refreshable(Protocol):
    """The server's TLS, as sessions see it."""

    refreshed: int

    def refresh(self) -> None:
        """Read certificate and key again. Raises OSError, ValueError."""


@dataclass(slots=True)
class Shared:
    """What all sessions of one server share. The server fills in the calls."""

    settings: Settings
    store: Store
    stats: Stats
    clock: Clock
    verbosity: int = 0
    port: int = 0  # the first TCP port, as bound
    warn: Callable[[str, str], None] = lambda kind, text: None  # one rate-limited log line
    reap: Callable[[], None] = lambda: None  # begin to free what a flush has killed
    set_verbosity: Callable[[int], None] = lambda level: None
    soon: Callable[[Callable[[], None]], object] = lambda call: call()  # call it in the loop's next round
    observe: Callable[[], None] = lambda: None  # begin or end to observe, as prefixes and watchers want it
    crawl: Callable[[], None] = lambda: None  # go on with the crawl that was started
    move_pages: Callable[[], None] = lambda: None  # go on with the page move that was started
    peers: Callable[[], Iterable[Peer]] = tuple  # the open connections
    listeners: list[socket.socket] = field(default_factory=list)
    passwords: Passwords | None = None  # with -Y
    tls: Refreshable | None = None  # with -Z
    tunables: Tunables = field(default_factory=Tunables)
    prefixes: PrefixStats = field(init=False)
    watchers: Watchers = field(init=False)
    crawler: Crawler = field(init=False)
    maintainer: LruMaintainer = field(init=False)
    mover: PageMover = field(init=False)

    def __post_init__(self) -> None:
        """What is made of the rest."""
        self.prefixes = PrefixStats((self.settings.prefix_delimiter or ":").encode())
        self.prefixes.enabled = bool(self.settings.prefix_delimiter)
        self.watchers = Watchers(self.stats, self._soon, self.settings.options.watcher_logbuf_size)
        self.crawler = Crawler(self.store)
        self.maintainer = LruMaintainer(self.store)
        self.mover = PageMover(self.store)

    def _soon(self, call: Callable[[], None]) -> None:
        self.soon(call)  # the server fills it in later


class Session:
    """One connection's side of the protocol: request context of the parser, first argument of every handler.

    `out` collects reply pieces; the connection sends them joined, once a read. `pending` is the rest of a
    request that goes on in the next turn, `closing` ends the connection once all is sent.
    """

    __slots__ = ("closing", "ending", "fresh", "out", "out_bytes", "peer", "pending", "pending_size", "server",
                 "stats", "store")  # fmt: skip

    def __init__(self, server: Shared) -> None:
        self.server = server
        self.store = server.store
        self.stats = server.stats
        self.out: list[bytes | LargeText] = []  # a large text ends the turn
        self.out_bytes = 0  # of large replies in this turn
        self.pending: Callable[[], bool | None] | None = None
        self.pending_size = 0  # bytes that it keeps in memory
        self.closing = False
        self.ending = "normal"  # why it closes, in the words of `watch connevents`
        self.peer: Peer | None = None  # while connected
        self.fresh = True  # nothing has come yet

    @property
    def descriptor(self) -> int:
        """The connection's file descriptor, -1 without one."""
        return -1 if self.peer is None else self.peer.descriptor

    def go_on(self, call: Callable[[], bool | None], size: int) -> bool:
        """End the turn; `call`, which keeps `size` bytes in memory, is to be made in the next."""
        self.pending, self.pending_size = call, size
        return True

    def take_pending(self) -> bool | None:
        """Make the call that was left for this turn; whether it has ended this one too."""
        call, self.pending, self.pending_size = self.pending, None, 0
        return call is not None and call()

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
            self.closing, self.ending = True, "error"
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
        self.closing, self.ending = True, "error"
        return True

    def value_buffer(self, tokens: list[bytes], size: int) -> Filling | None:
        """The chunk of a value that comes in pieces, unless it is refused anyway or there is no memory for it."""
        named = named_item(tokens)
        return None if named is None else self.store.begin(*named, size)

    def release_buffer(self, buffer: ValueBuffer) -> None:
        """A value in flight has been stored, refused, or cut off."""
        assert isinstance(buffer, Filling)
        self.store.abandon(buffer)
