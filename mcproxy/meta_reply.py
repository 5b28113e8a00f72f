"""A meta request's reply on its way back to the client: what `q` hides, and the words of the meta protocol. Pure.

Servers are asked without `q`, so that every request has its reply; here the ordinary outcome is dropped instead.
Routes that answer by themselves do it in the words of the classic protocol (NOT_STORED), and those that change keys
leave the key as the server knows it: both become what the client would have read from the server itself.
"""

from __future__ import annotations

from binascii import b2a_base64

from mcproto.encode import CRLF
from mcproto.meta_flags import MetaLine, key_token
from mcproxy.meta_text import is_plain
from mcproxy.outcome import FIRST_ERROR, Result
from mcproxy.request import Op, Request, Waiter

HIDDEN_BY_Q: dict[int, int] = {
    Op.META_GET.value: Result.NOTFOUND.value,
    Op.META_SET.value: Result.STORED.value,
    Op.META_DELETE.value: Result.DELETED.value,
    Op.META_ARITHMETIC.value: Result.STORED.value,
}
"""The outcome that a quiet client does not want to hear of (protocol.txt, "Meta Commands")."""

WORDS: dict[int, bytes] = {
    Result.FOUND.value: b"HD",
    Result.STORED.value: b"HD",
    Result.DELETED.value: b"HD",
    Result.TOUCHED.value: b"HD",
    Result.OK.value: b"HD",
    Result.NOTSTORED.value: b"NS",
    Result.EXISTS.value: b"EX",
    Result.NOTFOUND.value: b"NF",
}
_MISS = b"EN"
_META_STARTS = frozenset({word + after for word in (*WORDS.values(), _MISS, b"VA", b"ME") for after in (b" ", b"\r")})
_SAYS_EN = frozenset({Op.META_GET.value, Op.META_DEBUG.value})


class MetaReply:
    """The waiter of one meta request, whose line was understood as `line`."""

    __slots__ = ("_above", "_line")

    def __init__(self, line: MetaLine, above: Waiter) -> None:
        self._line = line
        self._above = above

    def on_reply(self, request: Request, result: int, raw: bytes) -> None:
        """Errors are passed on as they are, quiet or not."""
        if result < FIRST_ERROR:
            flags = self._line.flags
            if b"q" in flags and result == HIDDEN_BY_Q.get(request.op):
                raw = b""
            elif raw[:3] not in _META_STARTS:
                raw = self._spoken(request.op, result)
            elif b"k" in flags and not is_plain(self._line.key):  # servers were not asked for it
                raw = raw.replace(CRLF, key_token(self._line.key, binary=True) + CRLF, 1)
            elif b"k" in flags or raw.startswith(b"ME "):
                raw = self._with_asked_key(raw)
        self._above.on_reply(request, result, raw)

    def _spoken(self, op: int, result: int) -> bytes:
        """The answer of a route; what the opaque and the key return of the line is added in the line's order."""
        line = self._line
        word = _MISS if result == Result.NOTFOUND and op in _SAYS_EN else WORDS[result]
        tokens = {b"O": b" " + line.opaque, b"k": key_token(line.key, line.binary)}
        return b"%b%b\r\n" % (word, b"".join(tokens.get(letter, b"") for letter in line.flags))

    def _with_asked_key(self, raw: bytes) -> bytes:
        """The reply under the key that was asked for, when a route has changed it on the way."""
        key, end = self._line.key, raw.find(CRLF)
        header = raw[:end] + b" "
        coded = b2a_base64(key, newline=False)
        if header.startswith(b"ME "):
            return raw if header.startswith((b"ME %b " % key, b"ME %b " % coded)) else self._renamed(raw, 1, b"", key)
        if b" k%b " % key in header or b" k%b b " % coded in header:
            return raw
        words = header.split(b" ")
        at = next((at for at, word in enumerate(words) if word[:1] == b"k"), 0)
        return self._renamed(raw, at, b"k", coded if words[at + 1] == b"b" else key) if at else raw

    @staticmethod
    def _renamed(raw: bytes, at: int, letter: bytes, key: bytes) -> bytes:
        end = raw.find(CRLF)
        words = raw[:end].split(b" ")
        words[at] = letter + key
        return b"".join((b" ".join(words), raw[end:]))
