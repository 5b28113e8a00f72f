"""The words of a meta request's text, and texts with one of them changed. Pure.

`mg key flag*`, and so md, ma, me; `ms key length flag*` and the value.
"""

from __future__ import annotations

from binascii import b2a_base64

from mcproto.encode import CRLF

_UNSAFE_IN_LINE = b"\0\n\r "


def is_plain(key: bytes) -> bool:
    """Whether a line can have the key as it is; others exist only as base64."""
    return len(key.translate(None, _UNSAFE_IN_LINE)) == len(key)


def first_flag(verb: bytes) -> int:
    """Which word of the line is the first flag."""
    return 3 if verb == b"ms" else 2


def flag_of(text: bytes, letter: bytes) -> bytes | None:
    """The flag with its letter, as sent, or None."""
    words = text[: text.find(CRLF)].split(b" ")
    return next((word for word in words[first_flag(words[0]) :] if word[:1] == letter), None)


def with_key(text: bytes, key: bytes) -> bytes:
    """The same request for another key, as base64 if the old one was."""
    words, rest = _taken_apart(text)
    is_binary = any(word[:1] == b"b" for word in words[first_flag(words[0]) :])
    words[1] = b2a_base64(key, newline=False) if is_binary else key
    return b"".join((b" ".join(words), rest))


def with_exptime(text: bytes, exptime: int) -> bytes:
    """The same request with another exptime; an `ms` gets one, others keep doing without."""
    words, rest = _taken_apart(text)
    at = next((at for at, word in enumerate(words) if at >= first_flag(words[0]) and word[:1] == b"T"), 0)
    if at:
        words[at] = b"T%d" % exptime
    elif words[0] == b"ms":
        words.append(b"T%d" % exptime)
    return b"".join((b" ".join(words), rest))


def exptime_of(text: bytes) -> int | None:
    """The exptime as the client sent it; None when the request sets none."""
    flag = flag_of(text, b"T")
    if flag is None:
        return 0 if text.startswith(b"ms ") else None
    return int(flag[1:])


def _taken_apart(text: bytes) -> tuple[list[bytes], memoryview]:
    """(words of the line, all from the line's end on)."""
    end = text.find(CRLF)
    return text[:end].split(b" "), memoryview(text)[end:]
