"""Frames replies: what a server sends in, whole replies out.

The end of a reply is found by length: a VALUE (or VA) header names its data's length and exactly that
is skipped, so a value that contains `END` ends nothing. Of a reply cut by TCP the whole blocks are put
aside, and the rest is looked at again only when enough of it has come.
"""

import re
from collections.abc import Callable
from enum import IntEnum

from mcproto.errors import ProtocolError


class Kind(IntEnum):
    """What a reply is, by its first word (protocol.txt)."""

    END = 0  # a miss, or no statistics
    VALUES = 1  # VALUE blocks closed by END
    STORED = 2
    NOT_STORED = 3
    EXISTS = 4
    NOT_FOUND = 5
    DELETED = 6
    TOUCHED = 7
    OK = 8
    NUMBER = 9
    VERSION = 10
    STATS = 11
    RESET = 12
    ERROR = 13
    CLIENT_ERROR = 14
    SERVER_ERROR = 15
    META_HIT = 16  # HD
    META_VALUE = 17  # VA
    META_MISS = 18  # EN
    META_NOT_FOUND = 19  # NF
    META_NOT_STORED = 20  # NS
    META_EXISTS = 21  # EX
    META_NOOP = 22  # MN
    META_DEBUG = 23  # ME
    BUSY = 24


# Whole lines: the common ones are recognised by one look-up.
LINES: dict[bytes, int] = {
    b"END\r\n": Kind.END.value,
    b"STORED\r\n": Kind.STORED.value,
    b"NOT_STORED\r\n": Kind.NOT_STORED.value,
    b"EXISTS\r\n": Kind.EXISTS.value,
    b"NOT_FOUND\r\n": Kind.NOT_FOUND.value,
    b"DELETED\r\n": Kind.DELETED.value,
    b"TOUCHED\r\n": Kind.TOUCHED.value,
    b"OK\r\n": Kind.OK.value,
    b"RESET\r\n": Kind.RESET.value,
    b"ERROR\r\n": Kind.ERROR.value,
    b"HD\r\n": Kind.META_HIT.value,
    b"EN\r\n": Kind.META_MISS.value,
    b"NF\r\n": Kind.META_NOT_FOUND.value,
    b"NS\r\n": Kind.META_NOT_STORED.value,
    b"EX\r\n": Kind.META_EXISTS.value,
    b"MN\r\n": Kind.META_NOOP.value,
}

# First words of lines that go on.
WORDS: dict[bytes, int] = {
    b"VERSION": Kind.VERSION.value,
    b"ERROR": Kind.ERROR.value,
    b"CLIENT_ERROR": Kind.CLIENT_ERROR.value,
    b"SERVER_ERROR": Kind.SERVER_ERROR.value,
    b"HD": Kind.META_HIT.value,
    b"EN": Kind.META_MISS.value,
    b"NF": Kind.META_NOT_FOUND.value,
    b"NS": Kind.META_NOT_STORED.value,
    b"EX": Kind.META_EXISTS.value,
    b"ME": Kind.META_DEBUG.value,
    b"BUSY": Kind.BUSY.value,
}

_VALUES, _STATS, _META_VALUE = Kind.VALUES.value, Kind.STATS.value, Kind.META_VALUE.value
_BLOCKS = (b"VALUE ", b"STAT ")
_LINE_MAX = 64 * 1024

_VALUE_HEADER = re.compile(rb"VALUE [^ \r\n]+ \d+ (\d{1,9})\r\n").match
"""A third of what it takes to find the line's end, its blanks and the length one by one."""

_STORED_KIND, _STORED = Kind.STORED.value, b"STORED\r\n"


class ReplyParser:
    """One upstream connection's reply framing.

    `on_reply(kind, raw)` is called for each whole reply, in order: `kind` is a `Kind` as a plain int, `raw`
    the reply's bytes with its line ends. `reply_max` bounds the bytes kept for one unfinished reply.
    While it is called, `keys` and `blocks` are those of a reply of VALUEs, its last line a block without a
    key; of one value that came whole, they may be empty.
    """

    __slots__ = ("_aside", "_need", "_on_reply", "_pieces", "_reply_max", "_size", "blocks", "keys")

    def __init__(self, on_reply: Callable[[int, bytes], None], reply_max: int = 1 << 30) -> None:
        self._on_reply = on_reply
        self._reply_max = reply_max
        self.keys: list[bytes] = []
        self.blocks: list[bytes] = []
        self._aside = 0  # bytes of an unfinished reply that are in blocks
        self._pieces: list[bytes] = []  # the others
        self._size = 0  # their bytes
        self._need = 0  # worth looking again from this many bytes on

    def feed(self, data: bytes) -> None:
        """Hand on every reply that is whole now.

        Raises ProtocolError when the bytes are no reply, or one longer than `reply_max`.
        """
        if self._pieces:
            self._pieces.append(data)
            self._size += len(data)
            if self._size < self._need:
                return
            data = b"".join(self._pieces)
            self._pieces.clear()
        position, size, blocks = 0, len(data), self.blocks
        find, on_reply, line_kind = data.find, self._on_reply, LINES.get
        if not blocks and data[:8] == _STORED and data == _STORED * (size // 8):
            for _ in range(size // 8):  # what pipelined sets bring
                on_reply(_STORED_KIND, _STORED)
            return
        while position < size:
            if not blocks and (header := _VALUE_HEADER(data, position)):
                # one value and its END, whole, as get has it: nearly every reply that a proxy sees
                end = header.end() + int(header[1]) + 7
                if data[end - 7 : end] == b"\r\nEND\r\n":
                    on_reply(_VALUES, data[position:end])
                    position = end
                    continue
            if blocks or data.startswith(_BLOCKS, position):
                position = self._take_blocks(data, position)
                if position < 0:
                    return
                continue
            end = find(b"\r\n", position) + 2
            if end == 1:
                self._hold(data, position, position, 1)
                return
            raw = data[position:end]
            known = line_kind(raw)
            if known is None:
                known = _other_kind(raw)
                if known == _META_VALUE:
                    end += _declared(raw[:-2].split(b" "), 1) + 2
                    if end > size:
                        self._hold(data, position, position, end - size)
                        return
                    raw = data[position:end]
            on_reply(known, raw)
            position = end

    @property
    def held_bytes(self) -> int:
        """What is kept of an unfinished reply."""
        return self._aside + (self._size if self._pieces else 0)

    def forget(self) -> None:
        """Drop the whole values of an unfinished reply: what is left of it comes as if it were all."""
        self.keys.clear()
        self.blocks.clear()
        self._aside = 0

    def _take_blocks(self, data: bytes, start: int) -> int:
        """Put VALUE or STAT blocks aside, and hand on their reply when it is whole.

        Returns the offset behind the reply, or -1 when more must come.
        """
        size, find, at = len(data), data.find, start
        add_key, add_block = self.keys.append, self.blocks.append
        while True:
            line_end = find(b"\r\n", at)
            if line_end < 0:
                return self._hold(data, start, at, 1)
            words = data[at:line_end].split(b" ")
            if words[0] == b"VALUE":
                if len(words) < 4 or not words[3].isdigit():
                    raise _no_length(words)
                after = line_end + 4 + int(words[3])
                if after > size:
                    return self._hold(data, start, at, after - size + 5)
                add_key(words[1])
                add_block(data[at:after])
                at = after
                continue
            at, line = line_end + 2, data[at : line_end + 2]
            if words[0] == b"STAT":
                add_block(line)
                continue
            if line == b"END\r\n":
                self._hand_on(_VALUES if self.keys else _STATS, line)
            elif line.startswith((b"SERVER_ERROR", b"CLIENT_ERROR")):
                # an error in the middle ends the reply; what came before it is void
                self._hand_on(WORDS[line[:12]], line)
            else:
                raise ProtocolError(f"not a reply: {line[:64]!r}")
            return at

    def _hand_on(self, kind: int, last: bytes) -> None:
        keys, blocks = self.keys, self.blocks
        if keys and len(keys) != len(blocks):
            raise ProtocolError(f"values among statistics: {blocks[0][:64]!r}")
        blocks.append(last)
        self._on_reply(kind, b"".join(blocks))
        keys.clear()
        blocks.clear()
        self._aside = 0

    def _hold(self, data: bytes, start: int, walked: int, missing: int) -> int:
        """Keep what comes after `walked`; what comes before is aside. Returns -1."""
        rest = data[walked:] if walked else data
        self._aside += walked - start
        if self._aside + len(rest) + missing > self._reply_max:
            raise ProtocolError(f"a reply of more than {self._reply_max} bytes")
        if missing == 1 and len(rest) > _LINE_MAX:
            raise ProtocolError("a reply line without an end")
        self._pieces.append(rest)
        self._size = len(rest)
        self._need = len(rest) + missing
        return -1


def _other_kind(raw: bytes) -> int:
    word = raw[:-2].split(b" ", 1)[0]
    if word.isdigit():
        return Kind.NUMBER.value
    if word == b"VA":
        return _META_VALUE
    kind = WORDS.get(word)
    if kind is None:
        raise ProtocolError(f"not a reply: {raw[:64]!r}")
    return kind


def _declared(tokens: list[bytes], index: int) -> int:
    if len(tokens) <= index or not tokens[index].isdigit():
        raise _no_length(tokens)
    return int(tokens[index])


def _no_length(tokens: list[bytes]) -> ProtocolError:
    return ProtocolError(f"a value without a length: {b' '.join(tokens)[:64]!r}")
