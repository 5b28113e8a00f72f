"""How memcached 1.6 frames a byte stream into requests: an own small model, independent of mcproto.

The generator uses it to end every step on a request's boundary, the exclusions to see real command
lines only (not those inside values), the shrinker to drop whole requests.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

STORAGE_WORDS = frozenset((b"set", b"add", b"replace", b"append", b"prepend", b"cas"))
META_WORDS = frozenset((b"mg", b"ms", b"md", b"ma"))
LARGEST_LENGTH = 2**31 - 3


@dataclass(frozen=True)
class Request:
    """A command line with its end, the data block that belongs to it, and whether all of it is there.

    What is read off the line is kept: the generator asks for it again and again.
    """

    line: bytes
    block: bytes = b""
    complete: bool = True

    @cached_property
    def words(self) -> list[bytes]:
        return [word for word in self.line.rstrip(b"\r\n").split(b" ") if word]

    @cached_property
    def verb(self) -> bytes:
        """The first word, empty without one."""
        return self.words[0] if self.words else b""

    @cached_property
    def flags(self) -> list[bytes]:
        """The flags of a meta line, [] of any other."""
        if self.verb not in META_WORDS:
            return []
        return self.words[3:] if self.verb == b"ms" else self.words[2:]

    @cached_property
    def letters(self) -> bytes:
        """The flags' letters in order."""
        return b"".join(flag[:1] for flag in self.flags)

    @cached_property
    def key(self) -> bytes:
        """The key a request names, decoded if it is base64; empty without one."""
        if len(self.words) < 2:
            return b""
        if b"b" in self.letters or (self.verb == b"me" and self.words[2:3] == [b"b"]):
            try:
                return b64decode(self.words[1])
            except Base64Error:
                return self.words[1]
        return self.words[1]

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
        request = Request(line)
        length = declared_length(request.words)
        if length is None:
            position = end
        else:
            position = end + length + 2
            request = Request(line, data[end:position], complete=position <= len(data))
        yield request
