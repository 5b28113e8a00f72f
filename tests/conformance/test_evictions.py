"""The same stream of requests into both servers at their limit: the same replies, so the same items were evicted."""

from __future__ import annotations

import math
import random
import socket
from collections.abc import Iterator

import pytest

from memcache_server.store.slab_classes import chunk_sizes
from tests.support.processes import Server, memcache_server_command, memcached_command, running

FLAGS = ("-t", "1", "-m", "256", "-o", "no_lru_maintainer,no_lru_crawler,slab_automove=0")
BATCH = 100
VERBS = (b"set", b"add", b"replace", b"append", b"get", b"delete", b"touch")
WEIGHTS = (60, 8, 8, 3, 20, 2, 2)
COUNTERS = ("evictions", "curr_items", "bytes", "total_items", "get_hits", "evicted_unfetched", "reclaimed")
OF_A_CLASS = ("number", "mem_requested", "evicted", "evicted_nonzero", "evicted_unfetched", "outofmemory")


def stream(seed: int, low: int, high: int) -> Iterator[tuple[int, bytes]]:
    """Batches of requests whose replies are all one line, and how many they are."""
    rng = random.Random(seed)
    mean = int((high - low) / math.log(high / low))
    keys, block = 800_000_000 // mean, rng.randbytes(max(high, 1 << 19))
    # an item of each class, so that each has a page before the limit: ours never goes beyond it for a first one
    firsts = [(size, size - 80, block[: size - 80]) for size in chunk_sizes()]
    yield len(firsts), b"".join(b"set first-%d 0 0 %d\r\n%b\r\n" % first for first in firsts)
    for _ in range(700_000_000 // mean // BATCH):
        lines = []
        for _ in range(BATCH):
            key = b"key-%d" % int(keys * rng.random() ** 2)
            size = int(low * (high / low) ** rng.random())
            verb = rng.choices(VERBS, WEIGHTS)[0]
            if verb == b"append" and high > 1 << 19:
                verb = b"set"  # the original leaves chunks of no bytes in a large value that was appended to
            if verb == b"get":
                lines.append(b"mg %b s\r\n" % key)
            elif verb == b"delete":
                lines.append(b"delete %b\r\n" % key)
            elif verb == b"touch":
                lines.append(b"touch %b 0\r\n" % key)
            else:
                lines.append(b"%b %b %d 0 %d\r\n%b\r\n" % (verb, key, rng.choice((0, 5)), size, block[:size]))
        yield BATCH, b"".join(lines)


class Talk:
    """A connection on which a batch is sent, and answered line by line."""

    def __init__(self, server: Server) -> None:
        self._connection = socket.create_connection(server.address)
        self._lines = self._connection.makefile("rb")

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._connection.close()

    def send(self, batch: bytes) -> None:
        self._connection.sendall(batch)

    def receive(self, count: int) -> list[bytes]:
        return [self._lines.readline() for _ in range(count)]


def stats(server: Server, word: bytes) -> dict[str, str]:
    with socket.create_connection(server.address) as connection, connection.makefile("rb") as lines:
        connection.sendall(b"stats %b\r\n" % word if word else b"stats\r\n")
        found = {}
        while (line := lines.readline()) != b"END\r\n":
            _, name, value = line.decode().split(None, 2)
            found[name] = value.strip()
        return found


@pytest.mark.memcached
@pytest.mark.parametrize(
    ("seed", "low", "high"), [(1, 8_000, 9_000), (2, 500, 60_000), (3, 20_000, 300_000), (4, 80_000, 1_000_000)]
)
def test_the_same_items_are_evicted(seed: int, low: int, high: int) -> None:
    with (
        running(lambda port: memcache_server_command(port, *FLAGS)) as ours,
        running(lambda port: memcached_command(port, *FLAGS)) as original,
    ):
        with Talk(ours) as to_ours, Talk(original) as to_original:
            for number, (count, batch) in enumerate(stream(seed, low, high)):
                to_ours.send(batch)
                to_original.send(batch)
                assert to_ours.receive(count) == to_original.receive(count), f"batch {number}"
        mine, theirs = stats(ours, b""), stats(original, b"")
        assert {name: mine[name] for name in COUNTERS} == {name: theirs[name] for name in COUNTERS}
        assert int(mine["evictions"]) > 300
        mine, theirs = stats(ours, b"items"), stats(original, b"items")
        wanted = [name for name in theirs if name.rpartition(":")[2] in OF_A_CLASS]
        assert {name: mine.get(name) for name in wanted} == {name: theirs[name] for name in wanted}
        assert stats(ours, b"slabs") == stats(original, b"slabs")
