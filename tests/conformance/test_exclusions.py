"""Each exclusion matches what it names and leaves its harmless neighbour alone."""

from __future__ import annotations

import pytest

from tests.conformance.exclusions import (
    EXCLUSIONS,
    LOST_MARK,
    REVIVAL,
    TINY_LAST_CHUNK,
    exclusion_of,
    exclusion_of_script,
)
from tests.conformance.script import Script, Step

LONG = b"k" * 251
EXAMPLES = {
    "short line": (b"\r\n", b"ab\r\n"),
    "too few words": (b"get\r\n", b"get a\r\n"),
    "leading blank": (b" get a\r\n", b"get a\r\n"),
    "NUL in a line": (b"get a\0b\r\n", b"set a 0 0 1\r\n\0\r\n"),
    "too many words": (b"set a 0 0 1 x noreply\r\n1\r\n", b"delete a b c\r\n"),
    "bad flags, exptime, CAS id or key in a storage line": (b"set a x 0 1\r\n1\r\n", b"set a 0 0 x\r\n"),
    "odd length": (b"set a 0 0 +1\r\n1\r\n", b"set a 0 0 -1\r\n"),
    "unknown command with noreply": (b"foo noreply\r\n", b"foo bar\r\n"),
    "abbreviated stats group": (b"stats r\r\n", b"stats reset\r\n"),
    "overlong key in a get among others": (b"get a " + LONG + b"\r\n", b"get " + LONG + b"\r\n"),
    "odd gat exptime": (b"gat +1 a\r\n", b"gat -1 a\r\n"),
    "long line": (b"gat 0" + b" a" * 1100 + b"\r\n", b"get" + b" a" * 1100 + b"\r\n"),
    "incr of an item whose answer is queued": (b"get a\r\nincr a 1\r\n", b"get b\r\nincr a 1\r\n"),
    "flag that 1.6.18 does not know": (b"mg a E5\r\n", b"md a C5\r\n"),
    "mode that is not one letter": (b"ms a 1 MSS\r\n1\r\n", b"ms a 1 MS\r\n1\r\n"),
    "flag without its number": (b"mg a T\r\n", b"mg a T1\r\n"),
    "flag that is no letter": (b"mg a ,\r\n", b"mg a z\r\n"),
    "over 20 words of ms, md, ma": (b"ma a" + b" v" * 19 + b"\r\n", b"mg a" + b" v" * 19 + b"\r\n"),
    "bad flag of md": (b"md a z\r\n", b"md a I\r\n"),
    "quiet vivifying ma": (b"ma a q N0\r\n", b"ma a q\r\n"),
    "ma with T": (b"ma a T30\r\n", b"mg a T30\r\n"),
    "N with an opaque too long": (b"mg a N0 O" + b"o" * 32 + b"\r\n", b"mg a N0 O" + b"o" * 31 + b"\r\n"),
    "me of an item with TTL": (b"me a\r\n", b"set a 0 0 1\r\n1\r\nme a\r\n"),
    "admin number of over 32 bits": (b"lru_crawler tocrawl 4294967296\r\n", b"lru_crawler tocrawl 4294967295\r\n"),
    "lru tune with a sum over 32 bits": (b"lru tune 4294967295 1 1 1\r\n", b"lru tune 20 4294967 1 1\r\n"),
    "another memory limit": (b"cache_memlimit 100\r\n", b"cache_memlimit 256\r\ncache_memlimit 7\r\n"),
    "noreply behind too many words of cache_memlimit": (
        b"cache_memlimit 7 7 noreply\r\n",
        b"cache_memlimit 7 noreply\r\ncache_memlimit 7 7 7\r\n",
    ),
    "page that may move": (b"slabs reassign 1 2\r\n", b"slabs reassign 1 99\r\nslabs reassign 1 1\r\n"),
    "automove window or freeratio": (b"slabs automove window 5\r\n", b"slabs automove ratio 0.5\r\n"),
    "crawl or dump": (b"lru_crawler crawl 1\r\n", b"lru_crawler crawl 64\r\nlru_crawler crawl ,\r\n"),
    "lru_crawler disable": (b"lru_crawler disable\r\n", b"lru_crawler disabled\r\nlru_crawler enable\r\n"),
    "mgdump": (b"lru_crawler mgdump all\r\n", b"lru_crawler mgdumps all\r\n"),
    "watch granted, or behind others": (b"watch fetchers\r\n", b"watch foo\r\n"),
    "shutdown": (b"shutdown\r\n", b"shutdow\r\n"),
    "report of a process": (b"stats settings\r\n", b"stats sizes\r\nstats cachedump 64 1\r\n"),
}


def test_every_exclusion_has_an_example() -> None:
    assert set(EXAMPLES) == {exclusion.name for exclusion in EXCLUSIONS}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name: str) -> None:
    excluded, allowed = EXAMPLES[name]
    found = exclusion_of([excluded])
    assert found is not None
    assert found.name == name
    assert exclusion_of([allowed]) is None


def test_lines_inside_values_do_not_count() -> None:
    assert exclusion_of([b"set a 0 0 4\r\n\r\n\r\n\r\n"]) is None


def test_a_lone_get_of_an_overlong_key_must_come_first() -> None:
    assert exclusion_of([b"version\r\nget " + LONG + b"\r\n"]) is not None


def test_a_line_may_come_in_two_steps() -> None:
    assert exclusion_of([b"ge", b"t\r\n"]) is not None


def test_counting_with_a_blank_value() -> None:
    steps = (Step(b"set a 0 0 2\r\n\r\n\r\n"), Step(b"incr a 1\r\n", conn=1))
    assert exclusion_of_script(Script("blank", steps)) is not None


def test_appending_just_over_the_largest_chunk() -> None:
    begun = Step(b"set a 0 0 1\r\n1\r\n")
    over = Step(b"append a 0 0 524220\r\n" + b"x" * 524220 + b"\r\n")
    far_over = Step(b"append a 0 0 600000\r\n" + b"x" * 600000 + b"\r\n")
    assert exclusion_of_script(Script("over", (begun, over))) == TINY_LAST_CHUNK
    assert exclusion_of_script(Script("far over", (begun, far_over))) is None


def test_the_key_of_a_rewritten_base64_item() -> None:
    lost = Step(b"ms YQ== 1 b\r\n1\r\n"), Step(b"append a 0 0 1\r\n1\r\n"), Step(b"mg a k\r\n")
    assert exclusion_of_script(Script("lost", lost)) == LOST_MARK
    assert exclusion_of_script(Script("other", (*lost[:2], Step(b"mg b k\r\n")))) is None


def test_a_delayed_flush_behind_an_immediate_one() -> None:
    now, later = Step(b"flush_all\r\n"), Step(b"flush_all 100000 noreply\r\n", conn=1)
    assert exclusion_of_script(Script("revival", (now, later))) == REVIVAL
    assert exclusion_of_script(Script("in order", (later, now))) is None
