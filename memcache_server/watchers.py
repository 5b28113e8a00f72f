"""`watch`: log lines about events, for clients that asked for them (logger.c).

    ts=<seconds>.<microseconds> gid=<n> type=<event> ... LF

Lines are dropped, not queued, when a watcher does not read; `skipped=<n>` tells it how many.
"""

import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import quote_from_bytes

from memcache_server.stats import Stats

WATCHERS_MAX = 20

KINDS = frozenset((
    b"fetchers", b"mutations", b"evictions", b"connevents", b"deletions", b"sysevents", b"rawcmds", b"proxyreqs",
    b"proxyevents", b"proxyuser",
))  # fmt: skip
"""Words that `watch` takes. Nothing is ever logged for rawcmds (as in the original) and for the proxy's."""


class Listener(Protocol):
    """The connection of a watcher."""

    def write(self, data: bytes) -> None:
        """Send at once."""

    @property
    def unsent(self) -> int:
        """Bytes written that the client has not taken."""


def uri_encoded(key: bytes) -> str:
    """A key as log lines and dumps show it: letters, digits and `-._~` stay."""
    return quote_from_bytes(key, safe="")


class _Watcher:
    __slots__ = ("kinds", "lines", "listener", "size", "skipped")

    def __init__(self, listener: Listener, kinds: frozenset[bytes]) -> None:
        self.listener = listener
        self.kinds = kinds
        self.lines: list[bytes] = []
        self.size = 0
        self.skipped = 0


class Watchers:
    """Those who watch. `soon` calls a function in the loop's next round; lines are sent once a round.

    For one watcher lines of at most `buffer_max` bytes wait.
    """

    __slots__ = ("_buffer_max", "_gid", "_scheduled", "_soon", "_stats", "_watchers")

    def __init__(self, stats: Stats, soon: Callable[[Callable[[], None]], object], buffer_max: int) -> None:
        self._stats = stats
        self._buffer_max = buffer_max
        self._soon = soon
        self._watchers: dict[Listener, _Watcher] = {}
        self._gid = 0
        self._scheduled = False

    def __len__(self) -> int:
        return len(self._watchers)

    def add(self, listener: Listener, kinds: frozenset[bytes]) -> bool:
        """Let a connection watch; False when there are too many."""
        if len(self._watchers) >= WATCHERS_MAX:
            return False
        self._watchers[listener] = _Watcher(listener, kinds)
        self._stats.log_watchers = len(self._watchers)
        return True

    def remove(self, listener: Listener) -> bool:
        """A connection has gone; whether it was watching."""
        gone = self._watchers.pop(listener, None) is not None
        self._stats.log_watchers = len(self._watchers)
        return gone

    def log(self, kind: bytes, text: str) -> None:
        """One event: `type=...` and its fields."""
        self._gid += 1
        line = b""
        for watcher in self._watchers.values():
            if kind in watcher.kinds:
                line = line or self._line(text)
                self._append(watcher, line)
        if line and not self._scheduled:
            self._scheduled = True
            self._soon(self._flush)

    def _line(self, text: str) -> bytes:
        self._stats.log_worker_written += 1
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        return f"ts={seconds}.{nanoseconds // 1000} gid={self._gid} {text}\n".encode()

    def _append(self, watcher: _Watcher, line: bytes) -> None:
        if watcher.size + watcher.listener.unsent > self._buffer_max:
            watcher.skipped += 1
            self._stats.log_watcher_skipped += 1
            return
        if watcher.skipped:
            line = b"skipped=%d\n%b" % (watcher.skipped, line)
            watcher.skipped = 0
        watcher.lines.append(line)
        watcher.size += len(line)
        self._stats.log_watcher_sent += 1

    def _flush(self) -> None:
        self._scheduled = False
        for watcher in self._watchers.values():
            if watcher.lines:
                data = b"".join(watcher.lines)
                watcher.lines.clear()
                watcher.size = 0
                watcher.listener.write(data)
