"""Watch lines, dumps of keys and prefix counts, on ours and on the original."""

from __future__ import annotations

import re

import pytest

from tests.conformance.conftest import Start
from tests.conformance.raised_stats import FLAT, quiet_sets
from tests.memcache_server.serving import Raw
from tests.support.processes import Server

pytestmark = pytest.mark.memcached

BOTH = (True, False)  # ours, theirs
OWN = re.compile(rb"(ts=|gid=|cfd=|rport=|la=|cas=|exp=|size=|clsid=|cls=)-?\d+(\.\d+)?")
ITEMS = b"set a:b 5 100 3\r\nabc\r\nset a%c 0 0 1\r\nx\r\nset plain 0 0 5000\r\n" + b"x" * 5000 + b"\r\nget a:b\r\n"

# Event -> what is done, and how many lines that gives.
EVENTS: dict[str, tuple[bytes, int]] = {
    "fetchers": (b"get a:b z%\r\ngets plain\r\nmg plain v\r\nmg none v\r\ntouch plain 0\r\n", 6),
    "mutations": (
        b"set a 0 10 1\r\n1\r\nadd a 0 0 1\r\n1\r\nreplace a 0 0 1\r\n1\r\ncas a 0 0 1 0\r\n1\r\nappend a 0 0 1\r\n"
        b"1\r\nprepend a 0 0 1\r\n1\r\ncas none 0 0 1 1\r\n1\r\n",
        7,
    ),
    "evictions": (quiet_sets(23_000), 100),
}


def watched(server: Server, event: str) -> list[bytes]:
    """The lines that a watcher gets, without what belongs to the process."""
    script, count = EVENTS[event]
    with Raw(server.address) as watcher, Raw(server.address) as client:
        client.ask(ITEMS, b"END\r\n")
        assert watcher.ask(b"watch %b\r\n" % event.encode()) == b"OK\r\n"
        client.ask(script + b"mn\r\n", b"MN\r\n")
        lines = b""
        while lines.count(b"\n") < count:
            lines += watcher.read_until(b"\n")
    return [OWN.sub(rb"\1N", line) for line in lines.split(b"\n")[:count]]


@pytest.mark.parametrize("event", EVENTS)
def test_watch_lines(event: str, start: Start) -> None:
    flags = f"-m 2 {FLAT}" if event == "evictions" else "-o no_lru_maintainer"
    ours, theirs = (watched(start(which, flags), event) for which in BOTH)
    assert ours == theirs


@pytest.mark.parametrize("which", BOTH)
def test_watched_connections(which: bool, start: Start) -> None:
    address = start(which, FLAT).address
    with Raw(address) as watcher:
        assert watcher.ask(b"watch connevents\r\n") == b"OK\r\n"
        with Raw(address) as other:
            port = b"rport=%d " % other.socket.getsockname()[1]
            other.ask(b"mn\r\n")
        lines = b""
        while lines.count(port) < 2:
            lines += watcher.read_until(b"\n")
    opened, closed = (line.split(b" ", 2)[2] for line in lines.split(b"\n") if port in line)
    assert re.fullmatch(rb"type=conn_new rip=127.0.0.1 rport=\d+ transport=tcp cfd=\d+", opened)
    assert re.fullmatch(rb"type=conn_close rip=127.0.0.1 rport=\d+ transport=tcp reason=\w+ cfd=\d+", closed)


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
