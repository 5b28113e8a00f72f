"""Inputs that Debian's memcached 1.6.18 answers otherwise than 1.6.42, which is the one we follow.

The random generator never sends them to the two servers; recorded 1.6.42 replies cover them (golden.py).
One answer of 1.6.18 is kept on purpose, so it is not listed: `delete` with one or two further words other
than `0` and `noreply` is refused with its usage line (more of them are ERROR there; here it is the same line).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from tests.conformance.admin_exclusions import (
    NUMBERED,
    begun_crawl,
    begun_watch,
    ended_crawler,
    loud_limit,
    newer_automove,
    newer_dump,
    other_limit,
    own_report,
    possible_move,
    refused_shutdown,
    wide_number,
    wrapping_percents,
)
from tests.conformance.framing import META_WORDS, STORAGE_WORDS, Request, requests
from tests.conformance.meta_exclusions import (
    bad_delete_flag,
    debug_of_mortal,
    extends,
    flag_without_number,
    many_words,
    newer_flag,
    no_letter,
    odd_mode,
    quiet_vivify,
    returns_lost_mark,
    touching_arithmetic,
    vivifies_in_vain,
)
from tests.conformance.script import Ends, Script, Step, without_marks

MAX_KEY = 250
LONG_LINE = 2060
RETRIEVAL_WORDS = frozenset((b"get", b"gets", b"gat", b"gats"))
TOUCHING_WORDS = frozenset((b"gat", b"gats"))
ARITHMETIC_WORDS = frozenset((b"incr", b"decr", b"ma"))
STATS_GROUPS = frozenset((b"settings", b"items", b"slabs", b"sizes", b"reset", b"conns", b"detail", b"cachedump"))

# command word -> words a line must have; fewer are ERROR in 1.6.18 and CLIENT_ERROR in 1.6.42
FEWEST_WORDS = {
    b"get": 2, b"gets": 2, b"gat": 3, b"gats": 3, b"touch": 3, b"incr": 3, b"decr": 3, b"delete": 2,
    b"set": 5, b"add": 5, b"replace": 5, b"append": 5, b"prepend": 5, b"cas": 6, b"verbosity": 2,
    b"mg": 2, b"ms": 3, b"md": 2, b"ma": 2, b"me": 2,
}  # fmt: skip
# command word -> most words (with noreply) that 1.6.18 takes
MOST_WORDS = {
    b"set": 6, b"add": 6, b"replace": 6, b"append": 6, b"prepend": 6, b"cas": 7, b"touch": 4, b"incr": 4,
    b"decr": 4, b"flush_all": 3, b"verbosity": 3, b"delete": 4,
}  # fmt: skip
KNOWN_WORDS = frozenset((
    *FEWEST_WORDS, b"version", b"flush_all", b"stats", b"quit", b"shutdown", b"cache_memlimit", b"slabs", b"lru",
    b"lru_crawler", b"watch", b"mn",
))  # fmt: skip

FLAGS = re.compile(rb"\+?\d{1,19}")
EXPTIME = re.compile(rb"[+-]?\d{1,18}")
CAS_ID = re.compile(rb"\+?\d{1,20}")

Batch = list[Request]  # the requests sent before it in the same step


def _short_line(request: Request, _: Batch) -> bool:
    return len(request.line) < 4


def _too_few_words(request: Request, _: Batch) -> bool:
    words = request.words
    return not words or len(words) < FEWEST_WORDS[words[0]]


def _leading_blank(request: Request, _: Batch) -> bool:
    return request.line.startswith(b" ")


def _nul(request: Request, _: Batch) -> bool:
    return b"\0" in request.line


def _too_many_words(request: Request, _: Batch) -> bool:
    return len(request.words) > MOST_WORDS[request.verb]


def _bad_storage_fields(request: Request, _: Batch) -> bool:
    words = request.words
    if len(words) < FEWEST_WORDS[words[0]]:
        return False
    cas_ok = words[0] != b"cas" or CAS_ID.fullmatch(words[5]) is not None
    good = len(words[1]) <= MAX_KEY and FLAGS.fullmatch(words[2]) and EXPTIME.fullmatch(words[3]) and cas_ok
    return not good


def _odd_length(request: Request, _: Batch) -> bool:
    words = request.words
    place = 2 if words[0] == b"ms" else 4
    if len(words) <= place:
        return False
    number = words[place]
    return number.startswith(b"+") or (number.isdigit() and (len(number) > 10 or int(number) >= 2**31 - 2))


def _unknown_noreply(request: Request, _: Batch) -> bool:
    words = request.words
    return len(words) > 1 and words[-1] == b"noreply" and words[0] not in KNOWN_WORDS


def _stats_prefix(request: Request, _: Batch) -> bool:
    words = request.words
    if len(words) < 2:
        return False
    return words[1] not in STATS_GROUPS and any(group.startswith(words[1][:1]) for group in STATS_GROUPS)


def _long_key_among_others(request: Request, before: Batch) -> bool:
    words = request.words
    keys = words[2:] if words[0] in TOUCHING_WORDS else words[1:]
    return max(map(len, keys), default=0) > MAX_KEY and (bool(before) or len(keys) > 1)


def _odd_gat_exptime(request: Request, _: Batch) -> bool:
    words = request.words
    if len(words) < 3 or not EXPTIME.fullmatch(words[1]):
        return False
    return words[1].startswith(b"+") or len(words[1]) > 11 or not -(2**31) <= int(words[1]) < 2**31


def _arithmetic_on_queued_item(request: Request, before: Batch) -> bool:
    if not request.key:
        return False
    return any(
        (earlier.verb in RETRIEVAL_WORDS and request.key in earlier.words)
        or (earlier.verb == b"mg" and earlier.key == request.key)
        for earlier in before
    )


def _long_line(request: Request, _: Batch) -> bool:
    return len(request.line) > LONG_LINE and not request.line.startswith((b"get ", b"gets "))


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A named kind of input on which the two versions of the original differ, with the verbs it can be met with."""

    name: str
    why: str
    matches: Callable[[Request, Batch], bool]
    verbs: Collection[bytes] | None = None  # None: any, even no word at all


EXCLUSIONS = (
    Exclusion("short line", "under 4 bytes with its end: ERROR / CLIENT_ERROR bad command line format", _short_line),
    Exclusion("too few words", "ERROR / CLIENT_ERROR bad command line format", _too_few_words, {b"", *FEWEST_WORDS}),
    Exclusion("leading blank", "works / ERROR", _leading_blank),
    Exclusion("NUL in a line", "ends the line / an ordinary byte", _nul),
    Exclusion("too many words", "ERROR / ignored", _too_many_words, MOST_WORDS),
    Exclusion(
        "bad flags, exptime, CAS id or key in a storage line",
        "data parsed / swallowed",
        _bad_storage_fields,
        STORAGE_WORDS,
    ),
    Exclusion(
        "odd length", "`+3` or beyond 2^31: taken, cut to 32 bits / CLIENT_ERROR", _odd_length, STORAGE_WORDS | {b"ms"}
    ),
    Exclusion("unknown command with noreply", "ERROR / nothing", _unknown_noreply),
    Exclusion("abbreviated stats group", "ERROR / matched by prefix", _stats_prefix, {b"stats"}),
    Exclusion(
        "overlong key in a get among others",
        "keys before it are counted and touched, earlier unsent answers thrown away: not copied",
        _long_key_among_others,
        RETRIEVAL_WORDS,
    ),
    Exclusion(
        "odd gat exptime",
        "`+1` or beyond 32 bits: taken / CLIENT_ERROR invalid exptime argument",
        _odd_gat_exptime,
        TOUCHING_WORDS,
    ),
    Exclusion("long line", "closes, with or without earlier answers, if it comes in parts: a race", _long_line),
    Exclusion(
        "incr of an item whose answer is queued",
        "padding depends on batching",
        _arithmetic_on_queued_item,
        ARITHMETIC_WORDS,
    ),
    Exclusion("flag that 1.6.18 does not know", "invalid or ignored / works", newer_flag, META_WORDS),
    Exclusion("mode that is not one letter", "incorrect length / the first letter counts", odd_mode, META_WORDS),
    Exclusion("flag without its number", "bad token / reads on in the buffer", flag_without_number, META_WORDS),
    Exclusion("flag that is no letter", "invalid flag / CLIENT_ERROR bad command line format", no_letter, META_WORDS),
    Exclusion("over 20 words of ms, md, ma", "options flags too long / are too long", many_words, META_WORDS - {b"mg"}),
    Exclusion("bad flag of md", "invalid or duplicate flag / the exact error", bad_delete_flag, {b"md"}),
    Exclusion("quiet vivifying ma", "HD / nothing", quiet_vivify, {b"ma"}),
    Exclusion("ma with T", "both lose it when the number grows: not copied", touching_arithmetic, {b"ma"}),
    Exclusion(
        "N with an opaque too long", "both make the item and answer the error: not copied", vivifies_in_vain, META_WORDS
    ),
    Exclusion("me of an item with TTL", "the sign flipped / seconds left", debug_of_mortal, {b"me"}),
    Exclusion("admin number of over 32 bits", "cut to 32 bits / refused by some commands", wide_number, NUMBERED),
    Exclusion("lru tune with a sum over 32 bits", "wraps and is taken: not copied", wrapping_percents, {b"lru"}),
    Exclusion("noreply behind too many words of cache_memlimit", "ERROR / nothing", loud_limit, {b"cache_memlimit"}),
    Exclusion(
        "another memory limit", "how far it can go depends on what is used already", other_limit, {b"cache_memlimit"}
    ),
    Exclusion(
        "page that may move",
        "which class has a page to spare, and the pool as class 0, is our own",
        possible_move,
        {b"slabs"},
    ),
    Exclusion("automove window or freeratio", "bad command line format / OK", newer_automove, {b"slabs"}),
    Exclusion("crawl or dump", "BUSY while the last one runs, and what it lists", begun_crawl, {b"lru_crawler"}),
    Exclusion(
        "lru_crawler disable",
        "the thread ends some time later, until then enable fails",
        ended_crawler,
        {b"lru_crawler"},
    ),
    Exclusion("mgdump", "ERROR / works", newer_dump, {b"lru_crawler"}),
    Exclusion("watch granted, or behind others", "never ends; cannot pipeline in 1.6.42 only", begun_watch, {b"watch"}),
    Exclusion("shutdown", "ERROR: / SERVER_ERROR: shutdown not enabled", refused_shutdown, {b"shutdown"}),
    Exclusion("report of a process", "its own numbers, compared by name in test_stats.py", own_report, {b"stats"}),
)


_OF_ANY_VERB = tuple(exclusion for exclusion in EXCLUSIONS if exclusion.verbs is None)
_BY_VERB = {
    verb: tuple(exclusion for exclusion in EXCLUSIONS if exclusion.verbs is None or verb in exclusion.verbs)
    for verb in frozenset().union(*(exclusion.verbs or () for exclusion in EXCLUSIONS))
}


def exclusion_in(batch: Iterable[Request]) -> Exclusion | None:
    """The first exclusion that complete requests run into which are sent together."""
    before: Batch = []
    for request in batch:
        for exclusion in _BY_VERB.get(request.verb, _OF_ANY_VERB):
            if exclusion.matches(request, before):
                return exclusion
        before.append(request)
    return None


def exclusion_of(stream: Iterable[bytes]) -> Exclusion | None:
    """The first exclusion that one connection's steps (their bytes in order) run into."""
    pending = b""
    for data in stream:
        batch = list(requests(pending + data))
        pending = batch.pop().data if batch and not batch[-1].complete else b""
        found = exclusion_in(batch)
        if found is not None:
            return found
    return None


BLANK_ARITHMETIC = "incr of a blank value: 1.6.18 parses the memory behind an empty or white item"
TINY_LAST_CHUNK = "append that makes an item just over the largest chunk: 1.6.18 answers with foreign memory"
LOST_MARK = "k of a rewritten base64 item: the original forgets that its key is binary, not copied"
REVIVAL = "a delayed flush behind an immediate one: the dead that nobody asked for yet come back, not copied"
JUST_OVER_THE_LARGEST_CHUNK = range(523_880, 524_600)  # lengths of the value, whatever key, flags and first number


def counts_blank_value(sent: Iterable[Request]) -> bool:
    """Whether a key is both stored with nothing but white space and counted with, in whatever order."""
    blank: set[bytes] = set()
    counted: set[bytes] = set()
    for request in sent:
        if request.verb in ARITHMETIC_WORDS:
            counted.add(request.key)
        elif (request.verb in STORAGE_WORDS or request.verb == b"ms") and not request.block.strip():
            blank.add(request.key)
    return not blank.isdisjoint(counted)


def appends_a_tiny_last_chunk(sent: Iterable[Request]) -> bool:
    """Whether an append or prepend may give a value that just does not fit the largest chunk."""
    sizes: dict[bytes, set[int]] = {}
    for request in sent:
        if not request.block:
            continue
        added = len(request.block) - 2
        known = sizes.setdefault(request.key, {0})  # mg and ma may have made an item
        if request.verb in (b"append", b"prepend") or extends(request):
            joined = {size + added for size in known}
            if any(size in JUST_OVER_THE_LARGEST_CHUNK for size in joined):
                return True
            known |= joined
        else:
            known.add(added)
    return False


def revives(sent: Iterable[Request]) -> bool:
    """Whether a flush with a delay follows one without."""
    flushed = False
    for request in sent:
        if request.verb == b"flush_all":
            delay = request.words[1] if len(request.words) > 1 and request.words[1] != b"noreply" else b"0"
            later = EXPTIME.fullmatch(delay) is not None and 0 < int(delay) % 2**32 < 2**31
            if later and flushed:
                return True
            flushed = flushed or not later
    return False


def exclusion_among(sent: Sequence[Request]) -> str | None:
    """What a script's requests run into by following each other, on whatever connections."""
    if counts_blank_value(sent):
        return BLANK_ARITHMETIC
    if appends_a_tiny_last_chunk(sent):
        return TINY_LAST_CHUNK
    if revives(sent):
        return REVIVAL
    return LOST_MARK if returns_lost_mark(sent) else None


def _goes_on(step: Step) -> bool:
    """Not after a step that closes: a rest of a line is gone then."""
    return step.ends is not Ends.CLOSED


def exclusion_of_script(script: Script) -> str | None:
    """The name of the first exclusion that a script runs into, on any of its connections."""
    played = [(step.conn, without_marks(step.data)) for step in script.steps if _goes_on(step)]
    among = exclusion_among([request for _, data in played for request in requests(data)])
    if among is not None:
        return among
    streams = [[data for conn, data in played if conn == one] for one in {conn for conn, _ in played}]
    found = next(filter(None, map(exclusion_of, streams)), None)
    return found.name if found else None
