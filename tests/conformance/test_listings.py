"""Dumps of keys and prefix counts, on ours and on the original."""

from __future__ import annotations

import re

import pytest

from tests.conformance.conftest import Start
from tests.conformance.raised_stats import FLAT
from tests.memcache_server.serving import Raw
from tests.support.processes import Server

pytestmark = pytest.mark.memcached

BOTH = (True, False)  # ours, theirs
OWN = re.compile(rb"(la=|cas=|exp=)-?\d+")
ITEMS = b"set a:b 5 100 3\r\nabc\r\nset a%c 0 0 1\r\nx\r\nset plain 0 0 5000\r\n" + b"x" * 5000 + b"\r\nget a:b\r\n"


def asked(server: Server, request: bytes, end: bytes = b"END\r\n") -> list[bytes]:
    with Raw(server.address) as client:
        client.ask(b"flush_all\r\n")
        client.ask(ITEMS, b"END\r\n")
        return client.ask(request, end).split(b"\n")


def test_metadump_has_the_same_lines(start: Start) -> None:
    """In another order, and with `flags`, which is newer."""
    replies = [asked(start(which, "-o no_lru_maintainer"), b"lru_crawler metadump all\r\n") for which in BOTH]
    ours, theirs = (
        sorted(re.sub(rb" flags=\d+", b"", OWN.sub(rb"\1N", line)).strip() for line in lines) for lines in replies
    )
    assert len(ours) == 5
    assert ours == theirs


def test_cachedump_is_the_same(start: Start) -> None:
    for limit in (b"1", b"10", b"0"):
        replies = [asked(start(which, FLAT), b"stats cachedump 1 %b\r\n" % limit) for which in BOTH]
        ours, theirs = ([re.sub(rb"\d{10}", b"N", line) for line in lines] for lines in replies)
        assert ours == theirs


def test_prefix_counts_are_the_same(start: Start) -> None:
    script = (
        b"stats detail on\r\nset p:a 0 0 1\r\nx\r\nget p:a p:b\r\ndelete p:a\r\nget nothing\r\nstats detail dump\r\n"
    )
    ours, theirs = (asked(start(which, FLAT), script + b"mn\r\n", b"MN\r\n") for which in BOTH)
    assert ours == theirs
