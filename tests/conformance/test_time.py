"""What only time shows: TTLs running out, delayed flushes, recache windows, stale items dying; in real seconds.

All timelines are played side by side.

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

# (seconds after the start, what is sent); `$` begins a key, `@3` is the Unix time of in three seconds
Timeline = tuple[tuple[float, bytes], ...]

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
META: dict[str, Timeline] = {
    "ms T runs out": ((0, b"ms $a 1 T2\r\nx\r\nmg $a v t\r\n"), (2.6, b"mg $a v t\r\nmg $a\r\nget $a\r\n")),
    "TTL left counts down": ((0, b"ms $a 1 T100\r\nx\r\nmg $a t\r\n"), (3.5, b"mg $a t l u\r\n")),
    "mg T lengthens": ((0, b"ms $a 1 T2\r\nx\r\n"), (0.1, b"mg $a t T100\r\n"), (2.6, b"mg $a v\r\n")),
    "mg T shortens": ((0, b"ms $a 1\r\nx\r\nmg $a T2 t\r\n"), (2.6, b"mg $a v\r\n")),
    "a recache window opens": (
        (0, b"ms $a 1 T33\r\nx\r\n"), (0.1, b"mg $a R30 v\r\n"), (4.6, b"mg $a R30 v t\r\nmg $a R30 v\r\n"),
        (4.7, b"ms $a 1 T33\r\ny\r\nmg $a R30 v\r\n"),
    ),
    "a vivified item dies before it is filled": (
        (0, b"mg $a N2 v t\r\n"), (0.3, b"mg $a N2 v\r\n"), (2.6, b"mg $a v\r\n"), (2.7, b"mg $a N30 v\r\n"),
    ),
    "a vivified item is filled": (
        (0, b"mg $a N2\r\nms $a 1 T100\r\nx\r\n"), (2.6, b"mg $a v t\r\n"),
    ),
    "a stale item runs out": (
        (0, b"ms $a 1\r\nx\r\nmd $a I T2\r\n"), (0.3, b"mg $a v\r\n"), (0.4, b"mg $a v\r\n"), (2.6, b"mg $a v\r\n"),
    ),
    "a stale item is stored anew": (
        (0, b"ms $a 1\r\nx\r\nmd $a I T2\r\nmg $a v t\r\n"), (0.3, b"ms $a 1 T100\r\ny\r\n"), (2.6, b"mg $a v t\r\n"),
    ),
    "md I lengthens": ((0, b"ms $a 1 T2\r\nx\r\nmd $a I T100\r\n"), (2.6, b"mg $a v t\r\nmg $a v\r\n")),
    "md I without T keeps the TTL": ((0, b"ms $a 1 T2\r\nx\r\nmd $a I\r\nmg $a t\r\n"), (2.6, b"mg $a v\r\n")),
    "ms I over a newer one keeps its TTL": (
        (0, b"ms $a 1 T4\r\nx\r\nms $a 1 C1 I T100\r\ny\r\nmg $a v\r\n"), (2.6, b"mg $a v\r\n"), (4.6, b"mg $a v\r\n"),
    ),
    "ms MA keeps the TTL": ((0, b"ms $a 1 T2\r\nx\r\nms $a 1 MA T100\r\ny\r\nmg $a v\r\n"), (2.6, b"mg $a v\r\n")),
    "ms ME after expiry": ((0, b"ms $a 1 T2\r\nx\r\n"), (0.3, b"ms $a 1 ME\r\ny\r\n"), (2.6, b"ms $a 1 ME\r\nz\r\n")),
    "ms MR after expiry": ((0, b"ms $a 1 T2\r\nx\r\n"), (2.6, b"ms $a 1 MR\r\nz\r\nms $a 1 C5\r\nz\r\n")),
    "what ma N began runs out": (
        (0, b"ma $a N2 J5 v t\r\n"), (0.3, b"ma $a v\r\n"), (2.6, b"ma $a v\r\n"), (2.7, b"ma $a N30 v\r\n"),
    ),
    "ma T shortens": ((0, b"ms $a 2\r\n10\r\nma $a T2 v t\r\n"), (2.6, b"ma $a v\r\nmg $a v\r\n")),
    "ma keeps the TTL": ((0, b"ms $a 1 T2\r\n9\r\nma $a v t\r\n"), (2.6, b"ma $a v\r\n")),
    "md after expiry": ((0, b"ms $a 1 T2\r\nx\r\n"), (2.6, b"md $a\r\nmd $a I\r\n")),
    "negative exptimes": (
        (0, b"ms $a 1 T-1\r\nx\r\nmg $a v\r\nms $a 1\r\nx\r\nmd $a I T-1\r\nmg $a v\r\n"),
        (0.2, b"ms $a 1\r\nx\r\ntouch $a -1\r\nmg $a v\r\nms $a 1\r\nx\r\ngat -1 $a\r\nmg $a v\r\n"),
        (0.4, b"ma $b N-1 J5 v\r\nma $b v\r\nmg $b N-1 v\r\nmg $b N-1 v\r\n"),
    ),
    "an absolute time": (
        (0, b"set $a 0 @3 1\r\nx\r\nms $b 1 T@3\r\ny\r\n"), (0.5, b"mg $a v\r\nmg $b v\r\n"),
        (4.6, b"mg $a v\r\nget $b\r\n"),
    ),
}  # fmt: skip
FLUSHES: dict[str, Timeline] = {
    "delayed flush": (
        (0, b"set $a 0 0 1\r\nx\r\nms $c 1 T100\r\nx\r\nflush_all 3\r\nmg $c v\r\n"),
        (0.5, b"get $a\r\nset $b 0 0 1\r\ny\r\nget $b\r\n"),
        (3.4, b"get $a $b\r\nadd $a 0 0 1\r\nz\r\n"),
        (4.6, b"get $a $b\r\nmg $c v\r\nma $c v\r\n"),
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
        soon = b"%d" % (time.time() + 3)
        steps = tuple(Step(data.replace(b"$", PREFIX).replace(b"@3", soon)) for _, data in timeline)
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
        for (ours, theirs), table in zip(pairs, (EXPIRY | META, FLUSHES, REPLACED_FLUSHES), strict=True)
        for name, timeline in table.items()
    ]
    found = [str(mismatch) for mismatch in mismatches(playing)]
    for one in playing:
        one.pair.close()
    assert found == []
