"""Admin requests whose answer is a server's own affair, or differs between 1.6.18 and 1.6.42; rows of EXCLUSIONS."""

from __future__ import annotations

from tests.conformance.framing import Request

MEMORY_LIMIT = 256  # megabytes: what both servers are started with
CLASSES = range(1, 64)
USED_CLASSES = range(1, 40)
WATCHED = frozenset((
    b"fetchers", b"mutations", b"evictions", b"connevents", b"deletions", b"sysevents", b"rawcmds", b"proxyreqs",
    b"proxyevents", b"proxyuser",
))  # fmt: skip
OWN_REPORTS = frozenset((b"settings", b"items", b"slabs", b"conns", b"extstore"))
NUMBERED = frozenset((b"verbosity", b"cache_memlimit", b"slabs", b"lru", b"lru_crawler", b"stats"))


def _number(word: bytes) -> int:
    """An unsigned number, -1 for anything else."""
    digits = word.removeprefix(b"+")
    return int(digits) if digits.isdigit() else -1


def _is_class(word: bytes) -> bool:
    return _number(word) in CLASSES


def wide_number(request: Request, _: list[Request]) -> bool:
    """More than 32 bits; and a plus sign before a verbosity."""
    words = request.words[1:]
    signed = request.verb == b"verbosity" and any(word[:1] == b"+" for word in words)
    return signed or any(_number(word.removeprefix(b"-")) >= 2**32 for word in words)


def wrapping_percents(request: Request, _: list[Request]) -> bool:
    """lru tune with percents whose sum is beyond 32 bits."""
    return request.words[1:2] == [b"tune"] and sum(map(_number, request.words[2:4])) >= 2**32 - 1


def other_limit(request: Request, _: list[Request]) -> bool:
    """cache_memlimit with a limit that would be taken."""
    if not 2 <= len(request.words) <= 3:
        return False
    megabytes = _number(request.words[1])
    return 8 <= megabytes <= 1_000_000_000 and megabytes != MEMORY_LIMIT


def loud_limit(request: Request, _: list[Request]) -> bool:
    """cache_memlimit with noreply as its third word or later."""
    return len(request.words) > 3 and request.words[-1] == b"noreply"


def possible_move(request: Request, _: list[Request]) -> bool:
    """slabs reassign between two classes, or from or to the pool of free pages."""
    words = request.words
    if words[1:2] != [b"reassign"] or len(words) != 4 or words[2] == words[3]:
        return False
    return b"0" in words[2:] or ((words[2] == b"-1" or _is_class(words[2])) and _is_class(words[3]))


def newer_automove(request: Request, _: list[Request]) -> bool:
    """slabs automove with window or freeratio."""
    return request.words[1:2] == [b"automove"] and request.words[2:3] in ([b"window"], [b"freeratio"])


def begun_crawl(request: Request, _: list[Request]) -> bool:
    """A crawl of real classes, or a dump."""
    words = request.words
    if len(words) != 3:
        return False
    real = words[2] == b"all" or any(_is_class(part) for part in words[2].split(b",") if part)
    return words[1] == b"metadump" or (words[1] == b"crawl" and real)


def ended_crawler(request: Request, _: list[Request]) -> bool:
    """lru_crawler disable."""
    return request.words[1:] == [b"disable"]


def newer_dump(request: Request, _: list[Request]) -> bool:
    """lru_crawler mgdump."""
    return request.words[1:2] == [b"mgdump"]


def begun_watch(request: Request, before: list[Request]) -> bool:
    """A watch that is granted, or that comes behind other commands."""
    return bool(before) or WATCHED.issuperset(set(request.words[1:]) - {b"noreply"})


def refused_shutdown(request: Request, _: list[Request]) -> bool:
    """shutdown without -A."""
    return True


def own_report(request: Request, _: list[Request]) -> bool:
    """stats of a process, of its memory, or a list of its items."""
    words = request.words
    listing = (
        words[1:2] == [b"cachedump"] and len(words) > 3 and _number(words[2]) in USED_CLASSES and words[3].isdigit()
    )
    return len(words) == 1 or words[1] in OWN_REPORTS or listing
