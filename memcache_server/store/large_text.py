"""A large reply: an item's text that is sent from where it lies, window by window."""

from typing import Protocol

from memcache_server.store.arena import Arena

WINDOW = 64 * 1024
"""Bytes of text from which on an item is not copied to be sent, and the most that is sent of it in one go."""


class Texts(Protocol):
    """The store, as seen from here."""

    @property
    def arena(self) -> Arena:
        """Its memory."""

    def spans(self, handle: int, start: int = 0) -> list[tuple[int, int]]:
        """Where an item's text lies."""

    def pin(self, handle: int) -> None:
        """Keep an item's bytes."""

    def unpin(self, handle: int) -> None:
        """Let them go."""


class LargeText:
    """`head` and then an item's text from `start`.

    The item is pinned until `release`: whatever is done to it meanwhile, its bytes stay as they are.
    """

    __slots__ = ("_handle", "_spans", "_store", "_view", "head", "length")

    def __init__(self, store: Texts, handle: int, start: int = 0, head: bytes = b"") -> None:
        store.pin(handle)
        self._store = store
        self._handle = handle
        self._view = store.arena.view
        self._spans = store.spans(handle, start)
        self._spans.reverse()
        self.head = head
        self.length = len(head) + sum(length for _, length in self._spans)

    def __len__(self) -> int:
        """Bytes in all."""
        return self.length

    def window(self, most: int = WINDOW) -> memoryview:
        """The next bytes of the text behind `head`; none at its end. Good until `release`."""
        if not self._spans:
            return self._view[:0]
        at, length = self._spans.pop()
        if length > most:
            self._spans.append((at + most, length - most))
            length = most
        return self._view[at : at + length]

    def opening(self, most: int) -> bytes:
        """The first bytes, copied, before any window was taken."""
        at, length = self._spans[-1]
        return (self.head + bytes(self._view[at : at + min(length, most)]))[:most]

    def release(self) -> None:
        """The reply is through, or nobody wants it any more."""
        self._spans.clear()
        handle, self._handle = self._handle, 0
        if handle:
            self._store.unpin(handle)

    def read(self) -> bytes:
        """All of it, copied; for those who look at a value rather than send it."""
        parts = [self.head]
        while window := self.window():
            parts.append(bytes(window))
        self.release()
        return b"".join(parts)
