"""Replies with what may differ between two correct servers taken out: CAS ids, seconds, versions, slab sizes."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

META_WORDS = frozenset((b"VA", b"HD", b"NF", b"EX", b"NS", b"EN", b"OK", b"ME"))
NUMBERED_TOKEN = re.compile(rb"(c|t|l|exp=|la=|cas=|cls=|size=)(\d+)")
FAR_SECONDS = 40_000_000  # more than this was counted from an absolute time, so today's date matters
EXPLICIT_CAS = re.compile(rb" E(\d+)[ \r\n]")
# Its first words are literal, which a long reply is searched for fastest; that a line begins there is looked at then.
VALUE_CAS = re.compile(rb"VALUE (?<![^\n]VALUE )([^ ]+) \d+ \d+ (\d+)\r\n")


@dataclass(frozen=True, slots=True)
class Piece:
    """One line with its data block, and the seconds that were in it (they may be off by one)."""

    text: bytes
    seconds: tuple[int, ...] = ()


def explicit_cas_ids(sent: bytes) -> set[bytes]:
    """The CAS ids that a script itself sets (meta flag E): these must come back unchanged."""
    return {b"0", *EXPLICIT_CAS.findall(sent)}


class Normaliser:
    """Cuts one server's replies into pieces. CAS ids are numbered as they appear, so keep one per script."""

    def __init__(self, keep: Collection[bytes] = (b"0",)) -> None:
        self._keep = keep
        self._numbers: dict[bytes, int] = {}

    def pieces(self, reply: bytes) -> list[Piece]:
        """All pieces in order; bytes after the last complete one become a last piece of their own."""
        pieces, position = [], 0
        while (end := reply.find(b"\n", position) + 1) > 0:
            line = reply[position:end]
            words = line.rstrip(b"\r\n").split(b" ")
            size = _block_size(words)
            if end + size > len(reply):
                break
            pieces.append(self._piece(line, words, reply[end : end + size]))
            position = end + size
        if position < len(reply):
            pieces.append(Piece(b"unfinished " + reply[position:]))
        return pieces

    def _piece(self, line: bytes, words: list[bytes], block: bytes) -> Piece:
        if not words:
            return Piece(line)
        if words[0] == b"VALUE" and len(words) == 5:
            line = b"%s %s\r\n" % (b" ".join(words[:4]), self._cas(words[4]))
        elif words[0] == b"VERSION":
            line = b"VERSION *\r\n"
        elif words[0] in META_WORDS:
            seconds: list[int] = []
            tokens = [self._token(token, seconds) for token in line.rstrip(b"\r\n").split(b" ")]
            return Piece(b" ".join(tokens) + b"\r\n" + block, tuple(seconds))
        return Piece(line + block)

    def _cas(self, cas_id: bytes) -> bytes:
        if cas_id in self._keep:
            return cas_id
        return b"#%d" % self._numbers.setdefault(cas_id, len(self._numbers))

    def _token(self, token: bytes, seconds: list[int]) -> bytes:
        match = NUMBERED_TOKEN.fullmatch(token)
        if match is None:
            return token
        name, number = match[1], int(match[2])
        if name in (b"c", b"cas="):
            return name + self._cas(match[2])
        if name in (b"cls=", b"size=") or number > FAR_SECONDS:
            return name + (b"<wrapped>" if number > 2**31 else b"*")
        seconds.append(number)
        return name + b"<s>"


def _block_size(words: list[bytes]) -> int:
    """Bytes of the data block (with its CRLF) that follows this line; 0 when none does."""
    if not words:
        return 0
    if words[0] == b"VALUE" and len(words) in (4, 5):
        size = words[3]
    elif words[0] == b"VA" and len(words) > 1:
        size = words[1]
    else:
        return 0
    return int(size) + 2 if size.isdigit() else 0


def agree(ours: list[Piece], theirs: list[Piece]) -> bool:
    """Same texts, and seconds that differ by at most one (the two clocks tick apart)."""
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs, strict=True):
        if a.text != b.text or len(a.seconds) != len(b.seconds):
            return False
        if any(abs(x - y) > 1 for x, y in zip(a.seconds, b.seconds, strict=True)):
            return False
    return True
