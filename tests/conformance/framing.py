"""How memcached 1.6 frames a byte stream into requests: an own small model, independent of mcproto.

The generator uses it to end every step on a request's boundary, the exclusions to see real command
lines only (not those inside values), the shrinker to drop whole requests.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass, field

STORAGE_WORDS = frozenset((b"set", b"add", b"replace", b"append", b"prepend", b"cas"))
META_WORDS = frozenset((b"mg", b"ms", b"md", b"ma"))
LARGEST_LENGTH = 2**31 - 3


@dataclass(slots=True)
class Request:
    """A command line with its end, the data block that belongs to it, and whether all of it is there.

    What is read off the line is read once: the generator asks for it again and again.

    words: the line's words; verb: the first of them, empty without one;
    flags: those of a meta line, [] of any other; letters: the flags' letters in order;
    key: the key a request names, decoded if it is base64, empty without one.
    """

    line: bytes
    block: bytes = b""
    complete: bool = True
    words: list[bytes] = field(init=False, compare=False, repr=False)
    verb: bytes = field(default=b"", init=False, compare=False, repr=False)
    flags: list[bytes] = field(default_factory=list, init=False, compare=False, repr=False)
    letters: bytes = field(default=b"", init=False, compare=False, repr=False)
    key: bytes = field(default=b"", init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        words = self.words = [word for word in self.line.rstrip(b"\r\n").split(b" ") if word]
        if not words:
            return
        verb = self.verb = words[0]
        if verb in META_WORDS:
            flags = self.flags = words[3:] if verb == b"ms" else words[2:]
            self.letters = b"".join([flag[:1] for flag in flags])
        if len(words) > 1:
            encoded = b"b" in self.letters or (verb == b"me" and words[2:3] == [b"b"])
            self.key = _decoded(words[1]) if encoded else words[1]

    @property
    def data(self) -> bytes:
        return self.line + self.block


def _decoded(key: bytes) -> bytes:
    try:
        return b64decode(key)
    except Base64Error:
        return key


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
            request.block, request.complete = data[end:position], position <= len(data)
        yield request
