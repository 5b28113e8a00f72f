"""The limit of client connections (--max-conns): at it, one more client ends the one that was silent for longest.

Nobody notes when a request comes. The kernel knows when something came last on a connection, and is asked only at
the limit: for all clients at once, and then for a good number of newcomers the longest silent of them are at hand.
"""

from __future__ import annotations

import heapq
import resource
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from mcdaemon import open_files

RESERVED_FILES = 256
"""Descriptors for servers, files and listeners, as mcrouter has them."""

_DERIVED = 1  # as the number of connections: as many as files allow
_BATCH_SHARE = 16  # of the clients, this part is found in one look


class LimitedClient(Protocol):
    """A client's connection, as seen from here."""

    @property
    def idle_ms(self) -> int:
        """Since something came; below 0 while a reply is under way."""

    def finish(self) -> None:
        """Close once all is answered."""


T = TypeVar("T", bound=LimitedClient)


def connections_max(asked: int, workers: int) -> int:
    """Connections of one process; 0 for any number. `asked` is --max-conns: of all, 0 none, 1 what files allow.

    Raises the soft limit of open files where that helps. Each process has its own files.
    """
    if asked == 0:
        return 0
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if asked == _DERIVED:
        return max(1, soft - RESERVED_FILES)
    share = max(1, asked // workers)
    if open_files.allow(share + RESERVED_FILES - open_files.SPARE):
        return share
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(share, soft - RESERVED_FILES))


class ClientLimit(Generic[T]):
    """Holds `clients`, which others fill, to `limit`. Clients with requests under way are never ended."""

    def __init__(self, limit: int, clients: set[T], on_end: Callable[[T], None]) -> None:
        self._limit = limit
        self._clients = clients
        self._on_end = on_end
        self._next: list[tuple[int, T]] = []  # (ms it was silent for when looked at, client), the longest last
        self._leaving: set[T] = set()

    def make_room(self) -> None:
        """To be called as a client is about to join: ends others until there is room, or all are busy."""
        if self._leaving:
            self._leaving &= self._clients
        while len(self._clients) - len(self._leaving) >= self._limit:
            client = self._longest_silent()
            if client is None:
                return
            self._leaving.add(client)
            self._on_end(client)
            client.finish()

    def _longest_silent(self) -> T | None:
        for is_fresh in (False, True):
            if is_fresh:
                self._next = self._look()
            while self._next:
                silent_ms, client = self._next.pop()
                if client in self._clients and client not in self._leaving and client.idle_ms >= silent_ms:
                    return client
        return None

    def _look(self) -> list[tuple[int, T]]:
        silent = [(client.idle_ms, client) for client in self._clients if client not in self._leaving]
        count = len(silent) // _BATCH_SHARE + 1
        longest = heapq.nlargest(count, (pair for pair in silent if pair[0] >= 0), key=lambda pair: pair[0])
        return longest[::-1]
