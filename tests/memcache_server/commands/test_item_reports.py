"""stats cachedump and stats sizes: whole in many turns, and right though items come and go between them."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from memcache_server.clock import Clock
from memcache_server.commands.item_reports import cachedump, sizes
from memcache_server.session import Session, Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store, StoreOptions
from tests.memcache_server.serving import Raw, serving, stats
from tests.support.processes import memcached_command, running

ITEM = re.compile(rb"ITEM (\S+) \[(\d+) b; (\d+) s\]\r\n")


def session(cas: bool = True) -> Session:
    store = Store(StoreOptions(memory_limit=16 << 20, segmented=False, cas=cas))
    return Session(Shared(Settings(), store, Stats(), Clock()))


def fill(to: Session, count: int, key: bytes = b"key-%05d") -> None:
    for number in range(count):
        to.store.set(key % number, b"0", 0, b"1\r\n")


def turn(to: Session) -> bool:
    """One more turn of what is pending; whether there is another."""
    pending, to.pending = to.pending, None
    assert pending is not None
    return bool(pending())


class TestCachedump:
    def test_latest_first_and_no_more_than_asked_for(self) -> None:
        asking = session()
        fill(asking, 5000)
        assert cachedump(asking, [b"stats", b"cachedump", b"1", b"3000"]) is None
        turns = 1
        while turn(asking):
            turns += 1
        text = b"".join(asking.out)
        assert turns == 30
        assert ITEM.sub(b"", text) == b"END\r\n"
        assert [match[0] for match in ITEM.findall(text)] == [b"key-%05d" % n for n in range(4999, 1999, -1)]

    def test_two_megabytes_at_most(self) -> None:
        asking = session()
        fill(asking, 20_000, b"k" * 200 + b"%05d")
        slab_class = next(n for n in range(1, 20) if asking.store.lru.count[128 + n])
        cachedump(asking, [b"stats", b"cachedump", b"%d" % slab_class, b"0"])
        while turn(asking):
            pass
        size = sum(map(len, asking.out))
        assert (2 << 20) - 300 < size <= 2 << 20

    def test_what_goes_meanwhile_is_left_out(self) -> None:
        asking = session()
        fill(asking, 3000)
        cachedump(asking, [b"stats", b"cachedump", b"1", b"0"])
        assert turn(asking)
        for number in range(0, 3000, 2):
            asking.store.delete(b"key-%05d" % number)
        while turn(asking):
            pass
        keys = [match[0] for match in ITEM.findall(b"".join(asking.out))]
        assert len(keys) == 100 + 1450  # a whole turn before, half of the rest after
        assert all(before > after for before, after in pairwise(keys))

    def test_what_is_used_meanwhile_moves_to_the_head_and_the_dump_goes_on_where_it_was(self) -> None:
        asking = session()
        fill(asking, 1000)
        cachedump(asking, [b"stats", b"cachedump", b"1", b"0"])
        assert turn(asking)
        asking.store.tick(100)
        asking.store.get(b"key-00900")  # the last one shown
        asking.store.get(b"key-00100")
        fill(asking, 50, b"new-%05d")
        while turn(asking):
            pass
        keys = [match[0] for match in ITEM.findall(b"".join(asking.out))]
        assert keys == [b"key-%05d" % n for n in range(999, -1, -1) if n != 100]

    def test_it_ends_when_all_of_its_place_has_gone(self) -> None:
        asking = session()
        fill(asking, 1000)
        cachedump(asking, [b"stats", b"cachedump", b"1", b"0"])
        assert turn(asking)
        for number in range(900, 1000):
            asking.store.delete(b"key-%05d" % number)
        assert not turn(asking)
        assert b"".join(asking.out).endswith(b"key-00900 [1 b; 0 s]\r\nEND\r\n")


class TestSizes:
    def test_counts_all_in_turns(self) -> None:
        asking = session()
        fill(asking, 3000)
        asking.store.set(b"large", b"0", 0, b"x" * 700_000 + b"\r\n")
        asking.server.tunables.track_sizes = True
        assert sizes(asking, []) is None
        turns = 1
        while turn(asking):
            turns += 1
        assert turns > 1
        assert b"".join(asking.out) == b"STAT 96 3000\r\nSTAT 700064 1\r\nEND\r\n"


@pytest.mark.memcached
@pytest.mark.parametrize("options", [[], ["-o", "track_sizes"], ["-C"], ["-o", "track_sizes", "-C"]])
def test_sizes_beside_the_original(options: list[str]) -> None:
    large = b"set large 0 0 700000\r\n" + b"x" * 700_000 + b"\r\n"
    requests = [
        (b"set a 0 0 1\r\n1\r\nset b 5 0 100\r\n" + b"b" * 100 + b"\r\nset c 0 0 3\r\n123\r\n" + large, 4),
        (b"stats sizes\r\n", 0),
        (b"stats sizes_enable\r\n", 1 + ("-C" in options)),
        (b"stats sizes\r\n", 0),
        (b"set d 0 0 5\r\n12345\r\nset a 0 0 60\r\n" + b"a" * 60 + b"\r\n", 2),
        (b"stats sizes\r\n", 0),
        (b"delete d\r\nincr c 1\r\nappend b 0 0 30\r\n" + b"b" * 30 + b"\r\n", 3),
        (b"stats sizes\r\n", 0),
        (b"stats sizes_disable\r\n", 1),
        (b"stats sizes\r\n", 0),
        (b"stats sizes_\r\n", 1),
    ]
    answers = []
    with running(lambda port: memcached_command(port, *options)) as theirs, serving("-m", "256", *options) as ours:
        for server in (theirs, ours):
            with Raw(server.address) as client:
                answers.append([_lines(client, request, count) for request, count in requests])
            shown = stats(server.address, "settings")["track_sizes"]
            answers[-1].append(shown.encode())
    assert answers[1] == answers[0]


def _lines(client: Raw, request: bytes, count: int) -> bytes:
    """The answer of so many lines, or up to END."""
    client.send(request)
    if not count:
        return client.read_until(b"END\r\n")
    got = b""
    while got.count(b"\r\n") < count:
        got += client.read_until(b"\r\n")
    return got
