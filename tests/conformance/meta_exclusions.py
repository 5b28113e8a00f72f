"""Meta requests that 1.6.18 and 1.6.42 answer otherwise; rows of EXCLUSIONS."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable

from tests.conformance.framing import Request

META_WORDS = frozenset((b"mg", b"ms", b"md", b"ma"))
FLAGS_1642 = {b"mg": b"ECx", b"ms": b"EsxL", b"md": b"Ex", b"ma": b"E"}
KNOWN_FLAGS = b"bcCDEfFhIJklLMNOPqRstTuvx"
SIGNED = (b"N", b"R", b"T")
UNSIGNED = (b"C", b"D", b"E", b"F", b"J")
_SIGNED = re.compile(rb"[+-]?\d{1,18}")
_UNSIGNED = re.compile(rb"\+?\d{1,18}")


def flags_of(words: list[bytes]) -> list[bytes]:
    """The flags of a meta line, [] of any other."""
    if not words or words[0] not in META_WORDS:
        return []
    return words[3:] if words[0] == b"ms" else words[2:]


def letters_of(words: list[bytes]) -> bytes:
    """The flags' letters in order."""
    return b"".join(flag[:1] for flag in flags_of(words))


def item_key(words: list[bytes]) -> bytes:
    """The key a request names, decoded if it is base64."""
    if len(words) < 2:
        return b""
    if b"b" in letters_of(words) or (words[0] == b"me" and words[2:3] == [b"b"]):
        try:
            return b64decode(words[1])
        except Error:
            return words[1]
    return words[1]


def newer_flag(request: Request, _: list[Request]) -> bool:
    """E, x, C of mg, s of ms, N with append or prepend."""
    words = request.words
    letters = letters_of(words)
    if not letters:
        return False
    extends = words[0] == b"ms" and any(flag[:2] in (b"MA", b"MP") for flag in flags_of(words))
    return any(letter in letters for letter in FLAGS_1642[words[0]]) or (extends and b"N" in letters)


def odd_mode(request: Request, _: list[Request]) -> bool:
    """M without a letter or with more than one."""
    return any(flag[:1] == b"M" and len(flag) != 2 for flag in flags_of(request.words))


def flag_without_number(request: Request, _: list[Request]) -> bool:
    """1.6.42 reads on in the buffer."""
    return any(len(flag) == 1 and flag in b"DJNRTCE" for flag in flags_of(request.words))


def many_words(request: Request, _: list[Request]) -> bool:
    """Over 20 words in any but mg."""
    words = request.words
    return bool(words) and words[0] in (b"ms", b"md", b"ma") and len(words) > 20


def no_letter(request: Request, _: list[Request]) -> bool:
    """A word that 1.6.42's tokenizer does not take for a flag."""
    return any(not (b"A" <= flag[:1] <= b"z" or flag[:1].isdigit()) for flag in flags_of(request.words))


def bad_delete_flag(request: Request, _: list[Request]) -> bool:
    """A flag of md that is unknown, there twice, or has no number where one must be."""
    words = request.words
    if words[:1] != [b"md"]:
        return False
    letters = letters_of(words)
    flags = flags_of(words)
    if b"b" in letters and item_key(words) in (words[1], b""):
        return True
    bad = any(flag[:1] in SIGNED and not _SIGNED.fullmatch(flag[1:]) for flag in flags)
    bad = bad or any(flag[:1] in UNSIGNED and not _UNSIGNED.fullmatch(flag[1:]) for flag in flags)
    return bad or len(set(letters)) < len(letters) or any(letter not in KNOWN_FLAGS for letter in letters)


def quiet_vivify(request: Request, _: list[Request]) -> bool:
    """ma with q and N."""
    letters = letters_of(request.words)
    return request.words[:1] == [b"ma"] and b"q" in letters and b"N" in letters


def touching_arithmetic(request: Request, _: list[Request]) -> bool:
    """ma with T: lost in both versions when the number grows, not here."""
    return request.words[:1] == [b"ma"] and b"T" in letters_of(request.words)


def vivifies_in_vain(request: Request, _: list[Request]) -> bool:
    """N with an opaque that is too long."""
    flags = flags_of(request.words)
    return any(flag[:1] == b"N" for flag in flags) and any(flag[:1] == b"O" and len(flag) > 32 for flag in flags)


def debug_of_mortal(request: Request, before: list[Request]) -> bool:
    """me, unless right behind a set without TTL or a delete of its key: 1.6.18 shows TTLs with the wrong sign."""
    words = request.words
    if words[:1] != [b"me"] or len(words) < 2 or b"missing" in words[1]:
        return False
    last = before[-1].words if before else []
    stored = len(last) == 5 and last[0] == b"set" and last[3] == b"0"
    return last[1:2] != [item_key(words)] or not (stored or (len(last) == 2 and last[0] == b"delete"))


def returns_lost_mark(stream: Iterable[Request]) -> bool:
    """Whether a key is named as base64, rewritten, and returned by k: the original forgets that it is binary."""
    encoded: set[bytes] = set()
    rewritten: set[bytes] = set()
    returned: set[bytes] = set()
    for request in stream:
        words = request.words
        if len(words) < 2:
            continue
        key, letters = item_key(words), letters_of(words)
        if b"b" in letters:
            encoded.add(key)
        vivifies = words[0] == b"mg" and b"N" in letters
        extends = words[0] in (b"append", b"prepend", b"incr", b"decr", b"ma", b"ms")
        if vivifies or extends:
            rewritten.add(key)
        if words[0] in (b"mg", b"ma", b"me") and (b"k" in letters or words[0] == b"me"):
            returned.add(key)
    return bool(encoded & rewritten & returned)
