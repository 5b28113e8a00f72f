"""What only time shows: TTLs running out and delayed flushes, in real seconds, all timelines side by side.

Both servers count whole seconds, each from its own start, so an item with TTL n dies between n - 1 and n
seconds after it was stored: the looks are at least half a second away from that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.conformance.player import Mismatch, Pair
from tests.conformance.script import PREFIX, Script, Step
from tests.support.processes import Server, memcache_server_command, memcached_command, running

pytestmark = pytest.mark.memcached

Timeline = tuple[tuple[float, bytes], ...]  # (seconds after the start, what is sent)

EXPIRY: dict[str, Timeline] = {
    "TTL 2 runs out": ((0, b"set $a 0 2 1\r\nx\r\nget $a\r\n"), (2.6, b"get $a\r\n")),
    "TTL 4 is still there": ((0, b"set $a 0 4 1\r\nx\r\n"), (2.6, b"get $a\r\n"), (4.6, b"get $a\r\n")),
    "touch shortens": ((0, b"set $a 0 100 1\r\nx\r\ntouch $a 2\r\nget $a\r\n"), (2.6, b"get $a\r\n")),
    "touch lengthens": ((0, b"set $a 0 2 1\r\nx\r\n"), (0.1, b"touch $a 100\r\n"), (2.6, b"get $a\r\n")),
    "gat shortens": ((0, b"set $a 0 0 1\r\nx\r\ngat 2 $a\r\n"), (2.6, b"get $a\r\n")),
    "append keeps the TTL": ((0, b"set $a 0 2 1\r\nx\r\nappend $a 0 100 1\r\ny\r\nget $a\r\n"), (2.6, b"get $a\r\n")),
    "incr keeps the TTL": ((0, b"set $a 0 2 1\r\n9\r\nincr $a 1\r\nget $a\r\n"), (2.6, b"get $a\r\nincr $a 1\r\n")),
    "set again renews": ((0, b"set $a 0 2 1\r\nx\r\n"), (0.5, b"set $a 0 0 1\r\ny\r\n"), (2.6, b"get $a\r\n")),
    "add after expiry": ((0, b"set $a 0 2 1\r\nx\r\n"), (2.6, b"add $a 0 0 1\r\ny\r\n"), (2.7, b"get $a\r\n")),
    "delete after expiry": ((0, b"set $a 0 2 1\r\nx\r\n"), (2.6, b"delete $a\r\n")),
}
FLUSHES: dict[str, Timeline] = {
    "delayed flush": (
        (0, b"set $a 0 0 1\r\nx\r\nflush_all 3\r\n"),
        (0.5, b"get $a\r\nset $b 0 0 1\r\ny\r\nget $b\r\n"),
        (3.4, b"get $a $b\r\nadd $a 0 0 1\r\nz\r\n"),
        (4.6, b"get $a $b\r\n"),
    ),
}
REPLACED_FLUSHES: dict[str, Timeline] = {
    "a later flush replaces a pending one": (
        (0, b"set $a 0 0 1\r\nx\r\nflush_all 3\r\n"),
        (0.2, b"flush_all 1000\r\n"),
        (3.4, b"get $a\r\n"),
        (3.5, b"flush_all\r\n"),
        (3.6, b"get $a\r\n"),
    ),
}


class Playing:
    """One timeline on its own connections."""

    def __init__(self, name: str, timeline: Timeline, pair: Pair) -> None:
        steps = tuple(Step(data.replace(b"$", PREFIX)) for _, data in timeline)
        self.script, self.pair, self.times = Script(name, steps), pair, [at for at, _ in timeline]
        pair.begin(self.script)

    def play(self, number: int) -> Mismatch | None:
        return self.pair.play_step(self.script, number)


def mismatches(playing: list[Playing]) -> Iterator[Mismatch]:
    """Play all timelines at their times."""
    started = time.monotonic()
    agenda = sorted((at, order, number) for order, one in enumerate(playing) for number, at in enumerate(one.times))
    for at, order, number in agenda:
        time.sleep(max(0.0, started + at - time.monotonic()))
        if (mismatch := playing[order].play(number)) is not None:
            yield mismatch


@pytest.fixture
def pairs() -> Iterator[list[tuple[Server, Server]]]:
    """Three servers of each, since a flush concerns a whole server."""
    with (
        running(memcache_server_command) as a,
        running(memcache_server_command) as b,
        running(memcache_server_command) as c,
        running(memcached_command) as x,
        running(memcached_command) as y,
        running(memcached_command) as z,
    ):
        yield [(a, x), (b, y), (c, z)]


def test_time_passes_alike(pairs: list[tuple[Server, Server]]) -> None:
    playing = [
        Playing(name, timeline, Pair(ours.address, theirs.address))
        for (ours, theirs), table in zip(pairs, (EXPIRY, FLUSHES, REPLACED_FLUSHES), strict=True)
        for name, timeline in table.items()
    ]
    found = [str(mismatch) for mismatch in mismatches(playing)]
    for one in playing:
        one.pair.close()
    assert found == []
