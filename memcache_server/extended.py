"""The extended options (-o), by name: EXTENDED is the one table of what is known and what each does.

`-o a,b=1 -o c` is read from left to right, a later word wins. An option without a field is taken and changes
nothing: it asks for what is so anyway, or tunes a part of the original that is not here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from memcache_server.store.slab_classes import CLASSES_MAX, PAGE_SIZE

Parse = Callable[[str], Any]

_SLAB_SIZE_STEP = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Extended:
    """The values of those extended options that do something; sizes in bytes, times in seconds."""

    maxconns_fast: bool = True
    hashpower_init: int = 0
    slab_chunk_max: int = PAGE_SIZE // 2
    slab_sizes: tuple[int, ...] = ()
    idle_timeout: int = 0
    hot_lru_pct: int = 20
    warm_lru_pct: int = 40
    hot_max_factor: float = 0.2
    warm_max_factor: float = 2.0
    temporary_ttl: int | None = None
    lru_maintainer: bool = True
    lru_crawler: bool = True
    lru_crawler_sleep: int = 100
    lru_crawler_tocrawl: int = 0
    slab_reassign: bool = True
    slab_automove: int = 1
    slab_automove_ratio: float = 0.8
    slab_automove_freeratio: float = 0.01
    slab_automove_window: int = 10
    watcher_logbuf_size: int = 256 << 10
    track_sizes: bool = False
    sock_cookie_id: int = 0
    debug_commands: bool = False
    drop_privileges: bool = False
    ssl_chain_cert: str = ""
    ssl_key: str = ""
    ssl_verify_mode: int = 0
    ssl_ca_cert: str = ""
    ssl_ciphers: str = ""
    ssl_min_version: int = 2


class Suboption(NamedTuple):
    """A row of EXTENDED. Without `parse` it needs no value, and one behind `=` is not looked at."""

    field: str = ""
    parse: Parse | None = None
    value: object = None  # of the field, when nothing is parsed
    optional: bool = False  # the value may be left out
    stands_for: tuple[str, ...] = ()  # other words


def _number(low: int, high: int, problem: str) -> Parse:
    """A number read as atoi does: what is none counts as 0."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = 0
        if not low <= number <= high:
            raise ValueError(problem.format(number))
        return number

    return parse


def _strict(name: str) -> Parse:
    """A number that must be one."""

    def parse(text: str) -> int:
        if not text.isdigit() or int(text) > 0xFFFF_FFFF:
            raise ValueError(f"could not parse argument to {name}")
        return int(text)

    return parse


def _kilobytes(name: str) -> Parse:
    """Such a number, as bytes."""
    strict = _strict(name)
    return lambda text: strict(text) << 10


def _factor(name: str, below: float = float("inf"), rule: str = "> 0") -> Parse:
    def parse(text: str) -> float:
        try:
            factor = float(text)
        except ValueError:
            factor = 0.0
        if not 0 < factor < below:
            raise ValueError(f"{name} must be {rule}")
        return factor

    return parse


def _decimal(name: str) -> Parse:
    def parse(text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            raise ValueError(f"could not parse argument to {name}") from error

    return parse


def _hash_algorithm(text: str) -> str:
    if text not in ("jenkins", "murmur3", "xxh3"):
        raise ValueError("Unknown hash_algorithm option (jenkins, murmur3, xxh3)")
    return text


def _hash_power(text: str) -> int:
    power: int = _number(12, 1 << 31, "Initial hashtable multiplier of {} is too low")(text)
    if power > 32:
        raise ValueError(f"Initial hashtable multiplier of {power} is too high")
    return power


def _slab_sizes(text: str) -> tuple[int, ...]:
    return tuple(int(word) if word.isdigit() else 0 for word in text.split("-"))


def slab_sizes_problem(sizes: tuple[int, ...], low: int, high: int) -> str | None:
    """Why these cannot be the sizes of chunks, in the original's words."""
    for before, size in zip((0, *sizes), sizes, strict=False):
        if not low <= size <= high:
            return f"slab size {size} is out of valid range"
        if size <= before:
            return f"slab size {size} cannot be lower than or equal to a previous class size"
        if size <= before + _SLAB_SIZE_STEP:
            return f"slab size {size} must be at least {_SLAB_SIZE_STEP} bytes larger than previous class"
    return "too many slab classes specified" if len(sizes) >= CLASSES_MAX else None


_PCT = "must be > 1 and < 80"
_ANY = Suboption()
_ANY_NUMBER = Suboption(parse=_number(-(1 << 63), 1 << 63, ""))

EXTENDED: dict[str, Suboption] = {
    "maxconns_fast": Suboption("maxconns_fast", value=True),
    "no_maxconns_fast": Suboption("maxconns_fast", value=False),
    "hashpower": Suboption("hashpower_init", _hash_power),
    "idle_timeout": Suboption("idle_timeout", _number(0, 1 << 31, "idle_timeout must not be negative")),
    "slab_chunk_max": Suboption("slab_chunk_max", _number(1024, PAGE_SIZE, "slab_chunk_max must be 1024 to 1048576")),
    "slab_sizes": Suboption("slab_sizes", _slab_sizes),
    "debug_commands": Suboption("debug_commands", value=True),
    "drop_privileges": Suboption("drop_privileges", value=True),
    "no_drop_privileges": Suboption("drop_privileges", value=False),
    "relaxed_privileges": _ANY,
    "ssl_chain_cert": Suboption("ssl_chain_cert", str),
    "ssl_key": Suboption("ssl_key", str),
    "ssl_verify_mode": Suboption(
        "ssl_verify_mode", _number(0, 3, "Invalid ssl_verify_mode. Use help to see valid options.")
    ),
    "ssl_ca_cert": Suboption("ssl_ca_cert", str),
    "ssl_ciphers": Suboption("ssl_ciphers", str),
    "ssl_min_version": Suboption(
        "ssl_min_version", _number(0, 3, "Invalid ssl_min_version. Use help to see valid options.")
    ),
    "ssl_keyformat": Suboption(parse=_number(1, 1, "ssl_keyformat must be 1: only PEM is read")),
    "ssl_wbuf_size": _ANY_NUMBER,
    "ssl_kernel_tls": _ANY,
    "ssl_session_cache": _ANY,
    "hot_lru_pct": Suboption("hot_lru_pct", _number(1, 79, f"hot_lru_pct {_PCT}")),
    "warm_lru_pct": Suboption("warm_lru_pct", _number(1, 79, f"warm_lru_pct {_PCT}")),
    "hot_max_factor": Suboption("hot_max_factor", _factor("hot_max_factor")),
    "warm_max_factor": Suboption("warm_max_factor", _factor("warm_max_factor")),
    "temporary_ttl": Suboption("temporary_ttl", _number(-(1 << 31), 1 << 31, "")),
    "lru_maintainer": Suboption("lru_maintainer", value=True),
    "no_lru_maintainer": Suboption("lru_maintainer", value=False),
    "lru_crawler": Suboption("lru_crawler", value=True),
    "no_lru_crawler": Suboption("lru_crawler", value=False),
    "lru_crawler_sleep": Suboption(
        "lru_crawler_sleep", _number(0, 1_000_000, "LRU crawler sleep must be between 0 and 1 second")
    ),
    "lru_crawler_tocrawl": Suboption("lru_crawler_tocrawl", _strict("lru_crawler_tocrawl")),
    "slab_reassign": Suboption("slab_reassign", value=True),
    "no_slab_reassign": Suboption("slab_reassign", value=False),
    "slab_automove": Suboption(
        "slab_automove", _number(0, 2, "slab_automove must be between 0 and 2"), value=1, optional=True
    ),
    "no_slab_automove": Suboption("slab_automove", value=0),
    "slab_automove_ratio": Suboption("slab_automove_ratio", _factor("slab_automove_ratio", 1.0, "> 0 and < 1")),
    "slab_automove_window": Suboption("slab_automove_window", _number(3, 1 << 31, "slab_automove_window must be > 2")),
    "slab_automove_freeratio": Suboption("slab_automove_freeratio", _decimal("slab_automove_freeratio")),
    "track_sizes": Suboption("track_sizes", value=True),
    "sock_cookie_id": Suboption("sock_cookie_id", _number(0, 0xFFFF_FFFF, "sock_cookie_id must be 0 to 4294967295")),
    "tail_repair_time": Suboption(parse=_number(10, 1 << 31, "Cannot set tail_repair_time to less than 10 seconds")),
    "hash_algorithm": Suboption(parse=_hash_algorithm),
    "no_hashexpand": _ANY,
    "watcher_logbuf_size": Suboption("watcher_logbuf_size", _kilobytes("watcher_logbuf_size")),
    "worker_logbuf_size": Suboption(parse=_strict("worker_logbuf_size")),
    "read_buf_mem_limit": Suboption(parse=_strict("read_buf_mem_limit")),
    "resp_obj_mem_limit": _ANY,
    "inline_ascii_resp": _ANY,
    "no_inline_ascii_resp": _ANY,
    "no_chunked_items": _ANY,
    "modern": Suboption(
        stands_for=("maxconns_fast", "slab_reassign", "slab_automove=1", "lru_maintainer", "lru_crawler")
    ),
    "no_modern": Suboption(stands_for=("no_slab_reassign", "slab_automove=0", "no_lru_maintainer", "no_lru_crawler")),
}


def read_extended(words: Iterable[str]) -> dict[str, Any]:
    """Fields of Extended from the comma lists of -o. Raises ValueError."""
    found: dict[str, Any] = {}
    for word in (part for text in words for part in text.split(",") if part):
        name, equals, text = word.partition("=")
        row = EXTENDED.get(name)
        if row is None:
            raise ValueError(f'Illegal suboption "{word}"')
        found |= read_extended(row.stands_for)
        if row.parse is None:
            value = row.value
        elif not equals and not row.optional:
            raise ValueError(f"Missing {name} argument")
        else:
            value = row.parse(text) if equals else row.value
        if row.field:
            found[row.field] = value
    return found
