"""Releases replies in the order of their requests, whatever order they come in. Pure."""

from __future__ import annotations

from collections import deque
from typing import Protocol


class Place(Protocol):
    """A place in the line: `reply` is None until it is known; b"" stands for noreply."""

    reply: bytes | None


class Ready:
    """A place whose reply is known from the start."""

    __slots__ = ("reply",)

    def __init__(self, reply: bytes) -> None:
        self.reply: bytes | None = reply


class ReplyQueue:
    """One client's line. `places` is open to the session's hot path, which appends to it."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: deque[Place] = deque()

    def take(self) -> bytes:
        """The replies that can be sent now, joined: all up to the first that is not known yet."""
        places = self.places
        out: list[bytes] = []
        append, popleft = out.append, places.popleft
        while places:
            reply = places[0].reply
            if reply is None:
                break
            append(reply)
            popleft()
        return b"".join(out)
