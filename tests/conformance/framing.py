"""How memcached 1.6 frames a byte stream into requests: an own small model, independent of mcproto.

The generator uses it to end every step on a request's boundary, the exclusions to see real command
lines only (not those inside values), the shrinker to drop whole requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STORAGE_WORDS = frozenset((b"set", b"add", b"replace", b"append", b"prepend", b"cas"))
LARGEST_LENGTH = 2**31 - 3


@dataclass(frozen=True, slots=True)
class Request:
    """A command line with its end, the data block that belongs to it, and whether all of it is there."""

    line: bytes
    block: bytes = b""
    complete: bool = True

    @property
    def words(self) -> list[bytes]:
        return [word for word in self.line.rstrip(b"\r\n").split(b" ") if word]

    @property
    def data(self) -> bytes:
        return self.line + self.block


def declared_length(words: list[bytes]) -> int | None:
    """The value's length in a storage line or an `ms` line; None when the line announces no value."""
    if not words:
        return None
    if words[0] in STORAGE_WORDS:
        word = words[4] if len(words) > 4 else b""
    elif words[0] == b"ms":
        word = words[2] if len(words) > 2 else b""
    else:
        return None
    return int(word) if word.isdigit() and int(word) <= LARGEST_LENGTH else None


def requests(data: bytes) -> Iterator[Request]:
    """The requests of a stream; the last one may be incomplete."""
    position = 0
    while position < len(data):
        end = data.find(b"\n", position) + 1
        if not end:
            yield Request(data[position:], complete=False)
            return
        line = data[position:end]
        length = declared_length(Request(line).words)
        position = end if length is None else end + length + 2
        yield Request(line, data[end:position], complete=position <= len(data))
