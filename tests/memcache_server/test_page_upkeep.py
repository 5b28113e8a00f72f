"""Pages that move while clients work, beside the original where it does the same."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.memcache_server.serving import PATIENCE_S, Raw, resident_mb, serving, stats
from tests.support.processes import Address, Server, memcached_command, running
from tests.support.waiting import wait_until

WINDOW_S = 3
SMALL, LARGE = 100, 10_000
MEMORY_MB = 8
TINY_PER_MB = 10_922  # chunks of 96 bytes


def fill(client: Raw, count: int, size: int, prefix: bytes = b"key") -> None:
    value = b"v" * size
    for start in range(0, count, 1000):
        names = range(start, min(count, start + 1000))
        sets = b"".join(b"set %b%d 0 0 %d noreply\r\n%b\r\n" % (prefix, n, size, value) for n in names)
        assert client.ask(sets + b"mn\r\n") == b"MN\r\n"


def pages(address: Address) -> dict[int, int]:
    found = stats(address, "slabs")
    return {int(name.split(":")[0]): int(value) for name, value in found.items() if name.endswith(":total_pages")}


def settled(server: Server) -> bool:
    return stats(server.address)["slab_reassign_running"] == "0"


class TestReassign:
    LINES = (
        b"slabs reassign 1 1", b"slabs reassign 0 1", b"slabs reassign -1 0", b"slabs reassign 1 99",
        b"slabs reassign 64 1", b"slabs reassign -2 1", b"slabs reassign a 1", b"slabs reassign 1", b"slabs reassign",
        b"slabs reassign 1 2 noreply", b"slabs reassign 1 2 3", b"slabs automove", b"slabs automove 3",
        b"slabs automove 2", b"slabs automove 0", b"slabs automove ratio x", b"slabs automove ratio 0.5", b"slabs foo",
    )

    @pytest.mark.memcached
    @pytest.mark.parametrize("options", [(), ("-o", "no_slab_reassign")])
    def test_answers_as_the_original(self, options: tuple[str, ...]) -> None:
        with (
            serving("-m", "64", *options) as ours,
            running(lambda port: [*memcached_command(port), "-m", "64", *options]) as theirs,
        ):
            for address in (ours.address, theirs.address):
                with Raw(address) as client:
                    fill(client, 20_000, SMALL)
            for line in self.LINES:
                with Raw(ours.address) as one, Raw(theirs.address) as other:
                    assert one.ask(line + b"\r\n") == other.ask(line + b"\r\n"), line
                if not options:
                    wait_until(lambda: settled(ours) and settled(theirs), PATIENCE_S, "nothing moves")
            shown = [any(name.startswith("slab_reassign") for name in stats(s.address)) for s in (ours, theirs)]
            assert shown == [not options] * 2

    def test_keeps_what_lives(self) -> None:
        with serving("-m", "64", "-o", "slab_automove=0") as server, Raw(server.address) as client:
            fill(client, 12_000, SMALL)
            (slab_class,) = pages(server.address)
            assert pages(server.address)[slab_class] == 3
            assert client.ask(b"slabs reassign %d 20\r\n" % slab_class) == b"OK\r\n"
            assert client.ask(b"slabs reassign %d 20\r\n" % slab_class).startswith(b"BUSY")
            wait_until(lambda: settled(server), PATIENCE_S, "the page has moved")
            assert pages(server.address) == {slab_class: 3, 20: 1}
            found = stats(server.address)
            assert (found["curr_items"], found["evictions"], found["slabs_moved"]) == ("12000", "0", "1")
            assert int(found["slab_reassign_rescues"]) == 1_048_576 // 192

    def test_to_the_pool(self) -> None:
        with serving("-m", "64", "-o", "slab_automove=0") as server, Raw(server.address) as client:
            fill(client, 300, LARGE)
            for number in range(100, 300):
                client.ask(b"delete key%d\r\n" % number)
            assert client.ask(b"slabs reassign 22 0\r\n") == b"OK\r\n"
            wait_until(lambda: stats(server.address)["slab_global_page_pool"] == "1", PATIENCE_S, "it is free")
            assert stats(server.address, "slabs")["total_malloced"] == "4194304"


class Shifted:
    """A server full of small values, of which only large ones are asked for from now on."""

    def __init__(self, address: Address) -> None:
        self.client = Raw(address)
        fill(self.client, MEMORY_MB * 6_000, SMALL)
        self._rng = random.Random(5)

    def hit_ratio(self, seconds: float) -> float:
        """A look-aside client over 300 keys of 10 KB each, 3 of the 8 MB."""
        hits = looks = 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            key = b"large%d" % self._rng.randrange(300)
            looks += 1
            if self.client.ask(b"get %b\r\n" % key, b"END\r\n") != b"END\r\n":
                hits += 1
            else:
                self.client.ask(b"set %b 0 0 %d\r\n%b\r\n" % (key, LARGE, b"v" * LARGE))
            time.sleep(0.001)
        return hits / looks


class TestAutomove:
    OPTIONS = ("-m", str(MEMORY_MB), "-o", f"slab_automove_window={WINDOW_S}")

    @pytest.mark.memcached
    def test_memory_follows_the_sizes_of_values(self) -> None:
        def ratios(address: Address) -> tuple[float, float]:
            shifted = Shifted(address)
            with shifted.client:
                before = shifted.hit_ratio(1)
                shifted.hit_ratio(WINDOW_S + 8)
                return before, shifted.hit_ratio(1)

        with (
            serving(*self.OPTIONS) as ours,
            running(lambda port: [*memcached_command(port), *self.OPTIONS]) as theirs,
            ThreadPoolExecutor() as pool,
        ):
            (ours_before, ours_after), (_, theirs_after) = pool.map(ratios, (ours.address, theirs.address))
            assert ours_before < 0.9
            assert ours_after > 0.97
            assert ours_after >= theirs_after - 0.02
            found = stats(ours.address)
            assert int(found["slabs_moved"]) >= 3
            assert int(found["slab_reassign_rescues"]) > 0

    def test_off(self) -> None:
        options = f"slab_automove_window={WINDOW_S},no_slab_automove"
        with serving("-m", str(MEMORY_MB), "-o", options) as server, Shifted(server.address).client as client:
            fill(client, 3000, LARGE)
            moved = stats(server.address)["slabs_moved"]  # the first page of the new class was paid for
            assert stats(server.address, "settings")["slab_automove"] == "0"
            time.sleep(WINDOW_S + 1.5)
            fill(client, 3000, LARGE)
            assert int(stats(server.address)["slabs_moved"]) <= int(moved) + 1

    def test_free_pages_go_to_the_pool(self) -> None:
        with serving("-m", "64", "-o", f"slab_automove_window={WINDOW_S}") as server, Raw(server.address) as watcher:
            assert watcher.ask(b"watch sysevents\r\n") == b"OK\r\n"
            with Raw(server.address) as client:
                fill(client, 800, LARGE)
                for number in range(800):
                    client.ask(b"delete key%d\r\n" % number)
                wait_until(lambda: stats(server.address)["slab_global_page_pool"] == "7", 30, "they are free")
                assert pages(server.address) == {22: 2}
            line = b""
            while b"slab_move" not in line:
                line = watcher.read_until(b"\n")
            assert line.endswith(b"type=slab_move src=22 dst=0 state=ok\n")

    def test_at_every_eviction(self) -> None:
        with serving("-m", str(MEMORY_MB), "-o", "slab_automove=2") as server, Shifted(server.address).client as client:
            wait_until(lambda: self._moved(server, client), 30, "the class that evicts gets pages")

    @staticmethod
    def _moved(server: Server, client: Raw) -> bool:
        fill(client, 1000, LARGE)
        return pages(server.address)[22] >= 3


class TestTheLimit:
    def test_down_gives_memory_back_and_up_takes_it_again(self) -> None:
        with serving("-m", "64") as server, Raw(server.address) as client:
            fill(client, 70 * 94, LARGE)
            assert stats(server.address, "slabs")["total_malloced"] == str(64 << 20)
            full = resident_mb(server.pid)
            assert client.ask(b"cache_memlimit 16\r\n") == b"OK\r\n"
            assert stats(server.address)["limit_maxbytes"] == str(16 << 20)
            wait_until(
                lambda: stats(server.address, "slabs")["total_malloced"] == str(16 << 20), PATIENCE_S, "48 pages went"
            )
            assert resident_mb(server.pid) < full - 44
            assert int(stats(server.address)["curr_items"]) >= 15 * 94
            assert client.ask(b"get key%d\r\n" % (70 * 94 - 1), b"END\r\n") != b"END\r\n"
            assert client.ask(b"cache_memlimit 100\r\n") == b"OK\r\n"
            evictions = stats(server.address)["evictions"]
            fill(client, 80 * 94, LARGE, b"more")
            assert stats(server.address)["evictions"] == evictions
            assert client.ask(b"cache_memlimit 1000\r\n").startswith(b"MEMLIMIT_ADJUST_FAILED out of bounds")

    def test_without_evictions_nothing_goes(self) -> None:
        with serving("-m", "64", "-M") as server, Raw(server.address) as client:
            fill(client, 30 * 94, LARGE)
            client.ask(b"cache_memlimit 8\r\n")
            time.sleep(1.5)
            found = stats(server.address)
            assert (found["curr_items"], found["evictions"]) == (str(30 * 94), "0")
            assert client.ask(b"set new 0 0 %d\r\n%b\r\n" % (LARGE, b"v" * LARGE)).startswith(b"SERVER_ERROR")

    def test_a_class_without_a_page_when_memory_is_full(self) -> None:
        """All classes at once, and nobody waits for a page of small items to be emptied."""
        with serving("-m", "8") as server, Raw(server.address) as client:
            fill(client, 9 * TINY_PER_MB, 5)
            for number in range(25):
                size = int(200 * 1.25**number)
                assert client.ask(b"set size%d 0 0 %d\r\n%b\r\n" % (number, size, b"v" * size)) == b"STORED\r\n"
            wait_until(
                lambda: stats(server.address, "slabs")["total_malloced"] == str(8 << 20), PATIENCE_S, "no debt is left"
            )
            assert resident_mb(server.pid) < 1.1 * 8 + 45
