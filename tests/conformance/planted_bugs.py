"""Bugs planted in a copy of the server, to prove that the generator finds such things.

Each is one exact string replaced in one file. When the source changes so that the string is no longer
there exactly once, planting fails: then this table needs the new text.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("mcproto", "mcdaemon", "memcache_server")


class NotPlanted(ValueError):
    """The text to replace is not in the file exactly once."""


@dataclass(frozen=True, slots=True)
class Bug:
    """`old` becomes `new` in `file` (relative to the project)."""

    name: str
    file: str
    old: str
    new: str


def copy_packages(directory: Path) -> Path:
    """Copy the server's packages into the directory, with what of them is compiled already."""
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, directory / package, ignore=shutil.ignore_patterns("*.pyc.*"))
    return directory


def plant(bug: Bug, directory: Path) -> Path:
    """Copy the server's packages into the directory and plant the bug there. Raises NotPlanted."""
    copy_packages(directory)
    target = directory / bug.file
    source = target.read_text()
    found = source.count(bug.old)
    if found != 1:
        raise NotPlanted(f"{bug.name}: the text is {found} times in {bug.file}, not once: {bug.old!r}")
    target.write_text(source.replace(bug.old, bug.new))
    for compiled in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
        compiled.unlink()  # of the source without the bug; were it written in the same second, it would be believed
    return directory


ENCODE, GRAMMAR, LIMITS, PARSER = (f"mcproto/{name}.py" for name in ("encode", "grammar", "limits", "request_parser"))
RETRIEVAL, STORAGE, DELETION, TOUCH, ARITHMETIC = (
    f"memcache_server/commands/{name}.py" for name in ("retrieval", "storage", "deletion", "touch", "arithmetic")
)
PLAIN = "memcache_server/plain_requests.py"
META_FLAGS, META_ITEMS = "mcproto/meta_flags.py", "memcache_server/store/meta_items.py"
META_GET, META_SET, META_DELETE, META_ARITHMETIC, META_REPLY, META_DEBUG = (
    f"memcache_server/commands/meta_{name}.py" for name in ("get", "set", "delete", "arithmetic", "reply", "debug")
)
SERVER_ADMIN, SLABS_ADMIN, LRU_ADMIN, CRAWLER_ADMIN, STATS_COMMANDS, ITEM_REPORTS, WATCH = (
    f"memcache_server/commands/{name}.py"
    for name in ("server_admin", "slabs_admin", "lru_admin", "crawler_admin", "stats_commands", "item_reports", "watch")
)
STORE, EXPTIME = "memcache_server/store/store.py", "memcache_server/store/exptime.py"

PLANTED_BUGS = (
    Bug("wrong reply word", ENCODE, 'b"NOT_STORED\\r\\n"', 'b"NOTSTORED\\r\\n"'),
    Bug("wrong error text", ENCODE, 'b"CLIENT_ERROR bad data chunk\\r\\n"', 'b"CLIENT_ERROR bad data block\\r\\n"'),
    Bug("bare newline in a reply", ENCODE, 'b"TOUCHED\\r\\n"', 'b"TOUCHED\\n"'),
    Bug("one byte of a key too few", LIMITS, "KEY_MAX = 250", "KEY_MAX = 249"),
    Bug("one byte of a key too many", LIMITS, "KEY_MAX = 250", "KEY_MAX = 251"),
    Bug("client flags of 64 bits", GRAMMAR, "None if number is None else number & U32", "number"),
    Bug(
        "no plus sign",
        GRAMMAR,
        "    if token[0] == _MINUS and",
        "    if token[0] == 0x2B:\n        return None\n    if token[0] == _MINUS and",
    ),
    Bug(
        "length off by one", PARSER, "position = searched = end + 3 + length", "position = searched = end + 2 + length"
    ),
    Bug("bare newline takes a letter", PARSER, "end - 1 if data[end - 1] == 13 else end", "end - 1"),
    Bug(
        "first half of a line lost",
        PARSER,
        "self._run(bytes(held) + data, 0, len(held) + end)",
        "self._run(data, 0, end)",
    ),
    Bug(
        "third segment of a value misplaced",
        PARSER,
        "self._position = filled + len(data)",
        "self._position = len(data)",
    ),
    Bug("swallows too much", PARSER, "self._swallow -= len(data)", "self._swallow -= len(data) - 1"),
    Bug("half-checked data block", STORAGE, 'value.tail) == b"\\r\\n"', 'value.tail)[-1:] == b"\\n"'),
    Bug(
        "too large keeps the old item",
        STORAGE,
        'b"set":\n        session.store.discard(key)  #',
        'b"add":\n        session.store.discard(key)  #',
    ),
    Bug("lost noreply", TOUCH, "    if not noreply:\n", "    if reply:\n"),
    Bug(
        "gets without ids",
        RETRIEVAL,
        "session, tokens, session.store.get_with_cas",
        "session, tokens, session.store.get",
    ),
    Bug("miss counted as a hit less", TOUCH, "session.stats.touch_misses += 1\n            continue", "continue"),
    Bug("delete takes any words", DELETION, 'extra not in ([], [b"0"])', "not tokens"),
    Bug("flush_all forgets to", DELETION, "session.store.flush()", "session.store.now += 0"),
    Bug("delta may be negative", ARITHMETIC, "maybe_unsigned(tokens[2])", 'maybe_unsigned(tokens[2].lstrip(b"-"))'),
    Bug("padding on the left", STORE, "digits.ljust(room)", "digits.rjust(room)"),
    Bug("incr does not wrap", STORE, "(number + delta) & U64 if up", "(number + delta) if up"),
    Bug("decr below zero comes back up", STORE, "max(0, number - delta)", "abs(number - delta)"),
    Bug(
        "older id passes cas",
        STORE,
        "not unique or self._arena.longs[handle + CAS] != unique",
        "not unique or self._arena.longs[handle + CAS] < unique",
    ),
    Bug("append puts before", STORE, "behind=True", "behind=False"),
    Bug(
        "append takes the new item's place without flags",
        STORE,
        "self.client_flags(handle), exptime, joined",
        'b"0", exptime, joined',
    ),
    Bug("replace stores what is missing", STORE, "value, handle) if handle else NOT_STORED", "value, handle)"),
    Bug(
        "negative exptime never expires",
        EXPTIME,
        "if wire < 0:\n        return EXPIRED",
        "if wire < 0:\n        return NEVER",
    ),
    Bug(
        "thirty days and one second are relative",
        EXPTIME,
        "wire <= RELATIVE_EXPTIME_MAX",
        "wire <= RELATIVE_EXPTIME_MAX + 1",
    ),
    Bug("duplicate flag taken", META_FLAGS, "if letter in flags:", "if letter in flags and letter == token:"),
    Bug("base64 key not decoded", META_FLAGS, "line.key = key\n", "line.key = line.key if key else key\n"),
    Bug(
        "last error told first",
        META_FLAGS,
        'error = error if letter == b"F" and error else complaint',
        "error = error or complaint",
    ),
    Bug("later comers win too", META_GET, "(stale and not has_won)", "stale"),
    Bug("nobody else hears of the winner", META_GET, 'b" Z" if has_won', 'b" Z" if has_won and stale'),
    Bug("u marks as used", META_GET, 'used=b"u" not in flags', "used=True"),
    Bug("recache without TTL", META_GET, "wins = 0 != store.exptime_of(handle) <", "wins = store.exptime_of(handle) <"),
    Bug(
        "quiet hits",
        META_GET,
        'session.out.append(b"HD%b\\r\\n" % returned)',
        'b"q" in flags or session.out.append(b"HD%b\\r\\n" % returned)',
    ),
    Bug("vivified item lives for ever", META_GET, 'or (letter == b"N" and created)', ""),
    Bug(
        "invalidated item stays won",
        META_ITEMS,
        "self._arena.words[word] & ~WON | STALE",
        "self._arena.words[word] | STALE",
    ),
    Bug(
        "invalidated item keeps its id",
        META_ITEMS,
        "self._arena.longs[handle + CAS] = self._next_cas()",
        "self._next_cas()",
    ),
    Bug("plain set is not checked", PLAIN, "data[end - 1] != _LF or data[end - 2] != _CR", "False"),
    Bug("plain miss says nothing", PLAIN, "filter(None, pieces) if", "filter(None, texts) if"),
    Bug("set keeps stale", STORE, "meta = plain |", "meta = plain | meta & 1 << 28 |"),
    Bug("stale store makes fresh", META_SET, "marks = STALE |", "marks ="),
    Bug("stale store takes the new TTL", META_SET, "store.exptime_of(handle), item.value", "item.exptime, item.value"),
    Bug("append ignores the id", META_SET, 'if handle and flags.get(b"C", 0) and', "if not handle and"),
    Bug("failed store returns an id", META_SET, "if handle else 0)", "if handle else 1)"),
    Bug("delete ignores the id", META_DELETE, 'if b"C" in flags and', 'if b"C" not in flags and'),
    Bug("I forgets the TTL", META_DELETE, "if exptime is not None:", "if exptime is None:\n            exptime = 0"),
    Bug(
        "initial value is counted on",
        META_ARITHMETIC,
        'number = flags.get(b"J", 0)',
        'number = flags.get(b"J", 0) + flags.get(b"D", 1)',
    ),
    Bug("id 0 compares", STORE, "if unique and self._arena.longs", "if self._arena.longs"),
    Bug("TTL left one too few", META_REPLY, "(exptime - store.now & U32)", "(exptime - store.now - 9 & U32)"),
    Bug(
        "me counts as a use",
        META_DEBUG,
        "exptime = store.exptime_of(handle)",
        "exptime = store.exptime_of(handle)\n    store.use(handle)",
    ),
    Bug("miss forgets the opaque", META_GET, "(EN, line_tokens(line))", '(EN, b"")'),
    Bug("T counts as a get", META_GET, 'touched=b"T" in flags', "touched=False"),
    Bug("quiet delete hides a miss", META_DELETE, "outcome is not HD or", "outcome is EX or"),
    Bug("minus counts up", META_ARITHMETIC, 'b"-": False', 'b"-": True'),
    Bug("prepend mode appends", META_SET, 'b"P": _prepend', 'b"P": _append'),
    Bug("returned key is not encoded", META_FLAGS, "b2a_base64(key, newline=False)", "key"),
    Bug("no fence", META_GET, 'session.out.append(b"MN\\r\\n")', "session.out or session.out.append(b'MN\\r\\n')"),
    Bug("verbosity of a sign", SERVER_ADMIN, "not tokens[1].isdigit()", 'not tokens[1].strip(b"-").isdigit()'),
    Bug("limit of a sign", SERVER_ADMIN, "maybe_unsigned(tokens[1], U32)", 'maybe_unsigned(tokens[1].strip(b"-"))'),
    Bug("third level of automove", SLABS_ADMIN, "level > _AUTOMOVE_MAX", "level > _AUTOMOVE_MAX + 1"),
    Bug(
        "reassign says no more than ERROR",
        SLABS_ADMIN,
        "return encode.BAD_LINE\n    result",
        "return encode.ERROR\n    result",
    ),
    Bug("all of the classes to hot and warm", LRU_ADMIN, "> _PCT_MAX", ">= _PCT_MAX"),
    Bug("factor of nothing", LRU_ADMIN, "hot_factor <= 0", "hot_factor < 0"),
    Bug("a second is too long to sleep", CRAWLER_ADMIN, "number > _SLEEP_MAX", "number >= _SLEEP_MAX"),
    Bug("crawler begun twice", CRAWLER_ADMIN, "if tunables.lru_crawler:", "if tunables is None:"),
    Bug("crawl of class 0", CRAWLER_ADMIN, "1 <= number <= CLASSES_MAX", "0 <= number <= CLASSES_MAX"),
    Bug("reset forgets to", STATS_COMMANDS, "session.stats.reset()", "session.stats"),
    Bug(
        "detail in capital letters",
        STATS_COMMANDS,
        'word not in (b"on", b"off")',
        'word.lower() not in (b"on", b"off")',
    ),
    Bug("dump of a class too many", ITEM_REPORTS, "slab_class > CLASSES_MAX", "slab_class > CLASSES_MAX + 1"),
    Bug("watches what it knows of", WATCH, "KINDS.issuperset(words)", "KINDS.intersection(words)"),
    Bug("delayed flush does not wait", DELETION, "if delay > 0:", "if delay > 1 << 40:"),
)
