"""The flags of the meta commands, and one pass from a meta line to what it asks for.

    <mg|ms|md|ma> key [length] flag...          a flag is one letter, its token follows at once: `T30`

A letter of META_FLAGS that means nothing to a command is taken without a word; so handlers look up what they
know and skip the rest (protocol.txt, "Meta Commands"; proto_parser.c _meta_flag_preparse).

Clients send the same few runs of flags over and over. What such a run means is remembered as a `FlagPlan`, and
found again by a look-up for each flag, which costs a fifth of reading it.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Generic, TypeVar

from mcproto.encode import BAD_LINE
from mcproto.grammar import maybe_client_flags, maybe_exptime, maybe_unsigned
from mcproto.limits import KEY_MAX

WORDS_MAX = 20
"""Words of a meta line, command and key included."""

OPAQUE_MAX = 32
"""Length of an opaque with its letter."""

INVALID_FLAG = b"CLIENT_ERROR invalid flag\r\n"
DUPLICATE_FLAG = b"CLIENT_ERROR duplicate flag\r\n"
BAD_TOKEN = b"CLIENT_ERROR bad token in command line format\r\n"
BAD_KEY = b"CLIENT_ERROR error decoding key\r\n"
BAD_INITIAL = b"CLIENT_ERROR invalid numeric initial value\r\n"
BAD_META_DELTA = b"CLIENT_ERROR invalid numeric delta value\r\n"
TOO_MANY_FLAGS = b"CLIENT_ERROR options flags are too long\r\n"
LONG_OPAQUE = b"CLIENT_ERROR opaque token too long\r\n"

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)).difference(_BASE64))
_BLOCK = 4  # characters that stand for three bytes
_PADDING_MAX = 2

Reader = Callable[[bytes], int | None]


def _nothing(token: bytes) -> int | None:
    """A flag whose token, if there is one, is not looked at."""
    return 0


# letter -> how its token is read (None: it cannot be), and the error then
META_FLAGS: dict[bytes, tuple[Reader, bytes]] = {
    b"b": (_nothing, b""),  # the key is base64
    b"c": (_nothing, b""),  # return the CAS unique
    b"C": (maybe_unsigned, BAD_TOKEN),  # compare the CAS unique
    b"D": (maybe_unsigned, BAD_META_DELTA),  # delta
    b"E": (maybe_unsigned, BAD_TOKEN),  # the CAS unique to store with
    b"f": (_nothing, b""),  # return the client flags
    b"F": (maybe_client_flags, BAD_LINE),  # client flags
    b"h": (_nothing, b""),  # return whether it was fetched before
    b"I": (_nothing, b""),  # invalidate
    b"J": (maybe_unsigned, BAD_INITIAL),  # initial value
    b"k": (_nothing, b""),  # return the key
    b"l": (_nothing, b""),  # return the seconds since the last access
    b"L": (_nothing, b""),  # a hint for routers
    b"M": (_nothing, b""),  # mode
    b"N": (maybe_exptime, BAD_TOKEN),  # vivify with this exptime
    b"O": (_nothing, b""),  # opaque, returned
    b"P": (_nothing, b""),  # a hint for routers
    b"q": (_nothing, b""),  # quiet
    b"R": (maybe_exptime, BAD_TOKEN),  # recache when less is left
    b"s": (_nothing, b""),  # return the size
    b"t": (_nothing, b""),  # return the TTL
    b"T": (maybe_exptime, BAD_TOKEN),  # exptime
    b"u": (_nothing, b""),  # do not mark as used
    b"v": (_nothing, b""),  # return the value
    b"x": (_nothing, b""),  # empty the value
}


_TOKEN_MAX = 12  # bytes of a flag that is remembered: a Unix time with its letter has 11
_PLANS_MAX = 1024  # plans of one tree: at most a megabyte
_UNREPEATED = b"CEb"  # CAS uniques differ from line to line; a key in base64 is to be decoded
_Compiled = TypeVar("_Compiled")


class FlagPlan(dict[bytes, "FlagPlan[_Compiled]"], Generic[_Compiled]):
    """What a run of flags means: `plan[flag]` is the plan of the run that has one flag more.

    `flags` and `mode` are those of MetaLine, None and b"" for a run that has to be read with care: it is wrong, or
    not worth to be remembered. `opaque_at` is the opaque's place in the line, 0 without: its text is different in
    each, so all opaques lead to one plan. `compiled` is what the tree's owner makes of a plan.
    """

    __slots__ = ("_compile", "_first_flag", "_tree", "compiled", "flags", "mode", "opaque_at")

    def __init__(self, first_flag: int, compile_: "Callable[[FlagPlan[_Compiled]], _Compiled | None]") -> None:
        """The tree's root, the run without a flag. `first_flag`: the place of the first flag in a line."""
        self.flags: dict[bytes, int] | None = {}
        self.mode = b""
        self.opaque_at = 0
        self._first_flag = first_flag
        self._tree: list[FlagPlan[_Compiled]] = []  # all that are remembered
        self._compile = compile_
        self.compiled = compile_(self)

    def __missing__(self, token: bytes) -> "FlagPlan[_Compiled]":
        letter = token[:1]
        if letter == b"O" and token != letter and len(token) <= OPAQUE_MAX:
            return self[letter]
        if self.flags is None:
            return self
        if len(self._tree) >= _PLANS_MAX:
            self._forget_all()
        following = FlagPlan.__new__(FlagPlan)
        following._follow(self, letter, token)
        if following.flags is not None:
            self[token] = following
            self._tree.append(self)
        return following

    def _follow(self, before: "FlagPlan[_Compiled]", letter: bytes, token: bytes) -> None:
        assert before.flags is not None
        self._first_flag, self._tree, self._compile = before._first_flag, before._tree, before._compile
        self.flags, self.mode, self.opaque_at, self.compiled = None, before.mode, before.opaque_at, None
        place = before._first_flag + len(before.flags)
        if letter in before.flags or letter in _UNREPEATED or place >= WORDS_MAX or len(token) > _TOKEN_MAX:
            return
        number = META_FLAGS[letter][0](token[1:]) if letter in META_FLAGS else None
        if number is None:
            return
        self.flags = {**before.flags, letter: number}
        if letter == b"M":
            self.mode = token[1:2]
        elif letter == b"O":
            self.opaque_at = place
        self.compiled = self._compile(self)

    def _forget_all(self) -> None:
        """Begin anew: the flags that clients still send will soon be here again."""
        for plan in self._tree:
            plan.clear()
        self._tree.clear()


class MetaLine:
    """What a meta line asks for.

    `flags` maps each letter, in the request's order, to its number (0 where it has none); lines share it. `key` is
    decoded if it came as base64 (`binary`). `opaque` is the O flag as sent, `mode` the letter behind M, b"" without.
    """

    __slots__ = ("binary", "flags", "key", "mode", "opaque")

    def __init__(self, key: bytes, flags: dict[bytes, int], mode: bytes = b"", opaque: bytes = b"") -> None:
        self.key = key
        self.binary = False
        self.flags = flags
        self.mode = mode
        self.opaque = opaque

    @property
    def opaque_too_long(self) -> bool:
        """Whether LONG_OPAQUE answers the line; the original sees it late, while it writes the answer."""
        return len(self.opaque) > OPAQUE_MAX


def _nothing_more(plan: FlagPlan[None]) -> None:
    """The flags themselves are enough."""


_PLANS = {first_flag: FlagPlan(first_flag, _nothing_more) for first_flag in (2, 3)}


def parse_meta(tokens: list[bytes], first_flag: int = 2) -> MetaLine | bytes:
    """The meaning of a line with at least a key, or the error that answers it."""
    plan = _PLANS[first_flag]
    for token in tokens[first_flag:]:
        plan = plan[token]
    if plan.flags is None or len(tokens[1]) > KEY_MAX:
        return read_with_care(tokens, first_flag)
    return MetaLine(tokens[1], plan.flags, plan.mode, tokens[plan.opaque_at] if plan.opaque_at else b"")


def read_with_care(tokens: list[bytes], first_flag: int) -> MetaLine | bytes:
    """As parse_meta, without what is remembered.

    A letter that is unknown or there twice ends the reading; of other errors the last one is told.
    """
    if len(tokens[1]) > KEY_MAX:
        return BAD_LINE
    if len(tokens) > WORDS_MAX:
        return TOO_MANY_FLAGS
    line, error = MetaLine(tokens[1], {}), b""
    flags = line.flags
    for token in tokens[first_flag:]:
        letter = token[:1]
        if letter in flags:
            return _refusal(tokens[first_flag:], DUPLICATE_FLAG)
        if letter not in META_FLAGS:
            return _refusal(tokens[first_flag:], INVALID_FLAG)
        read, complaint = META_FLAGS[letter]
        number = read(token[1:])
        if number is None:
            error = error if letter == b"F" and error else complaint  # the original sets no text for F
            number = 0
        flags[letter] = number
        if letter == b"O":
            line.opaque = token
        elif letter == b"M":
            line.mode = token[1:2]
        elif letter == b"b":
            line.binary = True
            if not (key := _decoded(line.key)):
                error = BAD_KEY
            line.key = key
    return error or line


def _refusal(flags: list[bytes], error: bytes) -> bytes:
    """The error, unless a word cannot be a flag at all: then the line was never split into flags (1.6.42)."""
    return error if all(b"A" <= flag[:1] <= b"z" or flag[:1].isdigit() for flag in flags) else BAD_LINE


def _decoded(text: bytes) -> bytes:
    """A base64 key, empty when it is none. Bytes outside the alphabet are skipped, and a padded block is the last
    one, however much follows (base64.c base64_decode).
    """
    text = text.translate(None, _NOT_BASE64)
    if not text or len(text) % _BLOCK:
        return b""
    padded = text.find(b"=")
    if padded >= 0:
        text = text[: padded - padded % _BLOCK + _BLOCK]
    padding = text.count(b"=")
    return a2b_base64(text.replace(b"=", b"A"))[: -padding or None] if padding <= _PADDING_MAX else b""


def key_token(key: bytes, binary: bool) -> bytes:
    """A key as the k flag returns it, with a blank before: ` k<key>`, or ` k<base64> b`."""
    return b" k%b b" % b2a_base64(key, newline=False) if binary else b" k" + key
