"""Meta requests that 1.6.18 and 1.6.42 answer otherwise; rows of EXCLUSIONS."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.conformance.framing import Request

EXTENDING_WORDS = frozenset((b"append", b"prepend", b"incr", b"decr", b"ma"))
FLAGS_1642 = {b"mg": b"ECx", b"ms": b"EsxL", b"md": b"Ex", b"ma": b"E"}
KNOWN_FLAGS = b"bcCDEfFhIJklLMNOPqRstTuvx"
SIGNED = (b"N", b"R", b"T")
UNSIGNED = (b"C", b"D", b"E", b"F", b"J")
_SIGNED = re.compile(rb"[+-]?\d{1,18}")
_UNSIGNED = re.compile(rb"\+?\d{1,18}")


def extends(request: Request) -> bool:
    """Whether it is ms in the mode of append or prepend."""
    return request.verb == b"ms" and any(flag[:2] in (b"MA", b"MP") for flag in request.flags)


def newer_flag(request: Request, _: list[Request]) -> bool:
    """E, x, C of mg, s of ms, N with append or prepend."""
    letters = request.letters
    return any(letter in letters for letter in FLAGS_1642[request.verb]) or (extends(request) and b"N" in letters)


def odd_mode(request: Request, _: list[Request]) -> bool:
    """M without a letter or with more than one."""
    return any(flag[:1] == b"M" and len(flag) != 2 for flag in request.flags)


def flag_without_number(request: Request, _: list[Request]) -> bool:
    """1.6.42 reads on in the buffer."""
    return any(len(flag) == 1 and flag in b"DJNRTCE" for flag in request.flags)


def many_words(request: Request, _: list[Request]) -> bool:
    """Over 20 words in any but mg."""
    return len(request.words) > 20


def no_letter(request: Request, _: list[Request]) -> bool:
    """A word that 1.6.42's tokenizer does not take for a flag."""
    return any(not (b"A" <= flag[:1] <= b"z" or flag[:1].isdigit()) for flag in request.flags)


def bad_delete_flag(request: Request, _: list[Request]) -> bool:
    """A flag of md that is unknown, there twice, or has no number where one must be."""
    letters, flags = request.letters, request.flags
    if b"b" in letters and request.key in (request.words[1], b""):
        return True
    bad = any(flag[:1] in SIGNED and not _SIGNED.fullmatch(flag[1:]) for flag in flags)
    bad = bad or any(flag[:1] in UNSIGNED and not _UNSIGNED.fullmatch(flag[1:]) for flag in flags)
    return bad or len(set(letters)) < len(letters) or any(letter not in KNOWN_FLAGS for letter in letters)


def quiet_vivify(request: Request, _: list[Request]) -> bool:
    """ma with q and N."""
    return b"q" in request.letters and b"N" in request.letters


def touching_arithmetic(request: Request, _: list[Request]) -> bool:
    """ma with T: lost in both versions when the number grows, not here."""
    return b"T" in request.letters


def vivifies_in_vain(request: Request, _: list[Request]) -> bool:
    """N with an opaque that is too long."""
    flags = request.flags
    return any(flag[:1] == b"N" for flag in flags) and any(flag[:1] == b"O" and len(flag) > 32 for flag in flags)


def debug_of_mortal(request: Request, before: list[Request]) -> bool:
    """me, unless right behind a set without TTL or a delete of its key: 1.6.18 shows TTLs with the wrong sign."""
    words = request.words
    if len(words) < 2 or b"missing" in words[1]:
        return False
    last = before[-1].words if before else []
    stored = len(last) == 5 and last[0] == b"set" and last[3] == b"0"
    return last[1:2] != [request.key] or not (stored or (len(last) == 2 and last[0] == b"delete"))


def returns_lost_mark(stream: Iterable[Request]) -> bool:
    """Whether a key is named as base64, rewritten, and returned by k: the original forgets that it is binary."""
    encoded: set[bytes] = set()
    rewritten: set[bytes] = set()
    returned: set[bytes] = set()
    for request in stream:
        verb, key, letters = request.verb, request.key, request.letters
        if not key:
            continue
        if b"b" in letters:
            encoded.add(key)
        vivifies = verb == b"mg" and b"N" in letters
        if vivifies or extends(request) or verb in EXTENDING_WORDS:
            rewritten.add(key)
        if verb in (b"mg", b"ma", b"me") and (b"k" in letters or verb == b"me"):
            returned.add(key)
    return bool(encoded & rewritten & returned)
