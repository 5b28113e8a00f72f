"""The words of a request's text and of a hit's reply, and texts with one of them changed. Pure.

A request carries its text as it goes upstream, so a route that changes a key or an exptime makes another text;
values are copied once at most.
"""

from __future__ import annotations

from typing import NamedTuple

from mcproto.encode import CRLF, END
from mcproto.limits import RELATIVE_EXPTIME_MAX
from mcproxy import meta_text
from mcproxy.request import META_OPS, Op

# Which word of the line it is; operations without an exptime are not listed.
_EXPTIME_AT: dict[int, int] = {
    Op.GAT: 1,
    Op.GATS: 1,
    Op.TOUCH: 2,
    Op.SET: 3,
    Op.ADD: 3,
    Op.REPLACE: 3,
    Op.APPEND: 3,
    Op.PREPEND: 3,
    Op.CAS: 3,
}
_KEY_IS_SECOND = frozenset({Op.GAT.value, Op.GATS.value})
_VALUE = b"VALUE "


class Update(NamedTuple):
    """What a storage request says. `cas_unique` is empty but for a cas."""

    flags: int
    exptime: int
    value: bytes
    cas_unique: bytes = b""


class Hit(NamedTuple):
    """What a VALUE reply says. `cas_unique` is empty unless it was asked for."""

    flags: int
    value: bytes
    cas_unique: bytes = b""


def with_key(op: int, text: bytes, key: bytes) -> bytes:
    """The same request for another key."""
    if op in META_OPS:
        return meta_text.with_key(text, key)
    return _with_word(text, 2 if op in _KEY_IS_SECOND else 1, key)


def with_exptime(op: int, text: bytes, exptime: int) -> bytes:
    """The same request with another exptime; as it is when the operation has none."""
    if op in META_OPS:
        return meta_text.with_exptime(text, exptime)
    at = _EXPTIME_AT.get(op)
    return text if at is None else _with_word(text, at, b"%d" % exptime)


def exptime_of(op: int, text: bytes) -> int | None:
    """The exptime as the client sent it; None for an operation that has none."""
    if op in META_OPS:
        return meta_text.exptime_of(text)
    at = _EXPTIME_AT.get(op)
    return None if at is None else int(text[: text.find(CRLF)].split(b" ", at + 1)[at])


def _with_word(text: bytes, at: int, word: bytes) -> bytes:
    end = text.find(CRLF)
    words = text[:end].split(b" ")
    words[at] = word
    return b"".join((b" ".join(words), memoryview(text)[end:]))


def parse_update(text: bytes) -> Update:
    """Of a storage request's text."""
    end = text.find(CRLF)
    words = text[:end].split(b" ")
    return Update(int(words[2]), int(words[3]), text[end + 2 : -2], words[5] if len(words) > 5 else b"")


def value_length(text: bytes) -> int:
    """Of a storage request's text, without a look at the value."""
    return len(text) - text.find(CRLF) - 4


def storage_text(verb: bytes, key: bytes, flags: int, exptime: int, value: bytes | memoryview) -> bytes:
    """`set`, `add`, ... with its value."""
    return b"".join((b"%b %b %d %d %d\r\n" % (verb, key, flags, exptime, len(value)), value, CRLF))


def cas_text(key: bytes, flags: int, exptime: int, value: bytes, cas_unique: bytes) -> bytes:
    """`cas` with its value."""
    return b"cas %b %d %d %d %b\r\n%b\r\n" % (key, flags, exptime, len(value), cas_unique, value)


def parse_hit(raw: bytes) -> Hit:
    """Of a reply of one VALUE and END."""
    end = raw.find(CRLF)
    words = raw[:end].split(b" ")
    start = end + 2
    return Hit(int(words[2]), raw[start : start + int(words[3])], words[4] if len(words) > 4 else b"")


def hit_flags(raw: bytes) -> int:
    """The client flags of a reply of one VALUE and END."""
    return int(raw[: raw.find(CRLF)].split(b" ", 3)[2])


def hit_reply(key: bytes, hit: Hit) -> bytes:
    """The reply of one VALUE and END."""
    last = b" " + hit.cas_unique if hit.cas_unique else b""
    return b"".join((b"VALUE %b %d %d%b\r\n" % (key, hit.flags, len(hit.value), last), hit.value, CRLF, END))


def hit_with_key(raw: bytes, old: bytes, new: bytes) -> bytes:
    """A VALUE reply under another key."""
    return b"%b%b%b" % (_VALUE, new, raw[len(_VALUE) + len(old) :])


def exptime_for_ttl(ttl_s: int, now: float) -> int | None:
    """What to store a copy with that shall live `ttl_s` more seconds; -1 is for ever.

    None for one that is about to expire: it is not worth a copy. `now` is Unix time.
    """
    if ttl_s < 0:
        return 0
    if ttl_s <= RELATIVE_EXPTIME_MAX:
        return ttl_s or None
    return int(now) + ttl_s


def sooner_exptime(exptime: int, limit: int, now: float) -> int:
    """The one of two exptimes, as sent, that is over first; 0 is for ever, below 0 is over already."""
    if exptime < 0 or limit == 0:
        return exptime
    if exptime == 0:
        return limit
    return exptime if _moment(exptime, now) <= _moment(limit, now) else limit


def _moment(exptime: int, now: float) -> float:
    return exptime if exptime > RELATIVE_EXPTIME_MAX else now + exptime
