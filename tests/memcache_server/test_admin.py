"""Crawls, dumps, page moves, the memory limit, prefix counts and watchers, asked for over a socket."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import pytest

from tests.memcache_server.serving import Raw, serving, stats
from tests.support.processes import Address
from tests.support.waiting import wait_until

METADUMP = re.compile(rb"key=(\S+) exp=(-1|\d+) la=(\d+) cas=(\d+) fetch=(yes|no) cls=(\d+) size=(\d+) flags=(\d+) \n")
WATCH_LINE = re.compile(rb"ts=\d+\.\d{1,6} gid=(\d+) type=(\w+) (.*)\n")


@pytest.fixture
def server() -> Iterator[Address]:
    with serving("-m", "16") as running:
        yield running.address


@pytest.fixture
def flat() -> Iterator[Address]:
    """A server without the LRU maintainer, which would move items and free the dead by itself."""
    with serving("-m", "16", "-o", "no_lru_maintainer") as running:
        yield running.address


def fill(client: Raw, prefix: bytes, count: int, size: int, exptime: int = 0) -> None:
    value = b"x" * size
    for start in range(0, count, 500):
        numbers = range(start, min(count, start + 500))
        client.send(
            b"".join(b"set %b%d 7 %d %d noreply\r\n%b\r\n" % (prefix, n, exptime, size, value) for n in numbers)
        )
    assert client.ask(b"version\r\n").startswith(b"VERSION")


class TestDumps:
    def test_metadump_shows_each_item_once_with_its_fields(self, server: Address) -> None:
        with Raw(server) as client:
            fill(client, b"k:", 6000, 10)
            fill(client, b"large:", 3, 700_000, exptime=1000)
            client.ask(b"get k:5\r\n", b"END\r\n")
            dump = client.ask(b"lru_crawler metadump all\r\n", b"END\r\n")
            assert client.ask(b"version\r\n").startswith(b"VERSION")  # the connection goes on
        lines = METADUMP.findall(dump)
        assert METADUMP.sub(b"", dump) == b"END\r\n"
        items = {unquote_to_bytes(line[0]): line[1:] for line in lines}
        assert len(items) == len(lines) == 6003
        assert items[b"k:5"][3] == b"yes"
        assert items[b"k:6"][3] == b"no"
        assert items[b"k:5"][6] == b"7"
        assert items[b"k:5"][0] == b"-1"
        assert abs(int(items[b"large:1"][0]) - time.time() - 1000) < 5
        assert int(items[b"k:5"][5]) == 48 + 8 + 3 + 1 + 4 + 10 + 2

    def test_mgdump_of_one_class(self, server: Address) -> None:
        with Raw(server) as client:
            fill(client, b"k", 3, 10)
            fill(client, b"other", 3, 5000)
            dump = client.ask(b"lru_crawler mgdump 1\r\n", b"EN\r\n")
        assert sorted(dump.split(b"\r\n")) == [b"", b"EN", b"mg k0", b"mg k1", b"mg k2"]

    def test_not_behind_other_commands(self, server: Address) -> None:
        for word in (b"metadump", b"mgdump"):
            with Raw(server) as client:
                reply = client.ask(b"get a\r\nlru_crawler %b all\r\n" % word, b"%b\r\n" % word)
            assert reply == b"END\r\nERROR cannot pipeline other commands before %b\r\n" % word

    def test_cachedump_shows_the_latest_first(self, flat: Address) -> None:
        with Raw(flat) as client:
            fill(client, b"k", 3, 10)
            assert (
                client.ask(b"stats cachedump 1 2\r\n", b"END\r\n")
                == b"ITEM k2 [10 b; 0 s]\r\nITEM k1 [10 b; 0 s]\r\nEND\r\n"
            )
            assert client.ask(b"stats cachedump 1 0\r\n", b"END\r\n").count(b"ITEM ") == 3


class TestSwitchedOff:
    def test_dumps_and_watch(self) -> None:
        refusals = {
            b"stats detail on": b"CLIENT_ERROR stats detail not allowed\r\n",
            b"stats cachedump 1 1": b"CLIENT_ERROR stats cachedump not allowed\r\n",
            b"lru_crawler metadump all": b"ERROR metadump not allowed\r\n",
            b"lru_crawler mgdump all": b"ERROR key dump not allowed\r\n",
            b"watch": b"CLIENT_ERROR watch commands not allowed\r\n",
        }
        with serving("-X", "-W") as running, Raw(running.address) as client:
            assert {line: client.ask(line + b"\r\n") for line in refusals} == refusals
            assert stats(running.address, "settings")["dump_enabled"] == "no"


class TestCrawler:
    def test_a_crawl_frees_what_has_expired_and_nothing_else(self, flat: Address) -> None:
        with Raw(flat) as client:
            fill(client, b"mortal", 2000, 10, exptime=1)
            fill(client, b"lasting", 2000, 10)
            wait_until(lambda: client.ask(b"get mortal0\r\n", b"END\r\n") == b"END\r\n", 10, "they expire")
            assert int(stats(flat)["curr_items"]) == 3999
            busy = b"BUSY currently processing crawler request\r\n"
            assert client.ask(b"lru_crawler crawl all\r\n" * 2, busy) == b"OK\r\n" + busy
            wait_until(lambda: stats(flat)["lru_crawler_running"] == "0", 10, "the crawl ends")
        seen = stats(flat)
        assert seen["curr_items"] == "2000"
        assert (seen["crawler_reclaimed"], seen["crawler_items_checked"], seen["lru_crawler_starts"]) == (
            "1999",
            "3999",
            "1",
        )
        assert stats(flat, "items")["items:1:crawler_reclaimed"] == "1999"

    def test_tocrawl_bounds_a_class(self, server: Address) -> None:
        with Raw(server) as client:
            fill(client, b"k", 50, 10)
            assert client.ask(b"lru_crawler tocrawl 20\r\n") == b"OK\r\n"
            assert client.ask(b"lru_crawler crawl 1\r\n") == b"OK\r\n"
            wait_until(lambda: stats(server)["lru_crawler_running"] == "0", 10, "the crawl ends")
        assert stats(server)["crawler_items_checked"] == "20"
        assert stats(server, "settings")["lru_crawler_tocrawl"] == "20"

    def test_classes_that_are_none(self, server: Address) -> None:
        with Raw(server) as client:
            for words in (b"crawl 0", b"crawl x", b"crawl 1,x", b"crawl 64", b"metadump x", b"mgdump 0"):
                assert client.ask(b"lru_crawler %b\r\n" % words) == b"BADCLASS invalid class id\r\n"

    def test_switched_off(self, server: Address) -> None:
        disabled = b"CLIENT_ERROR lru crawler disabled\r\n"
        with Raw(server) as client:
            assert client.ask(b"lru_crawler enable\r\n") == b"ERROR failed to start lru crawler thread\r\n"
            assert client.ask(b"lru_crawler disable\r\n") == b"OK\r\n"
            assert stats(server, "settings")["lru_crawler"] == "no"
            for words in (b"crawl 1", b"metadump all", b"mgdump all"):
                assert client.ask(b"lru_crawler %b\r\n" % words) == disabled
            assert client.ask(b"lru_crawler enable\r\n") == b"OK\r\n"
            assert client.ask(b"lru_crawler crawl ,\r\n") == b"NOTSTARTED no items to crawl\r\n"


class TestMemory:
    def test_a_higher_limit_keeps_what_the_lower_one_evicted(self, server: Address) -> None:
        with Raw(server) as client:
            assert client.ask(b"cache_memlimit 32\r\n") == b"OK\r\n"
            fill(client, b"k", 240, 100_000)
            assert int(stats(server)["evictions"]) == 0
            assert stats(server)["limit_maxbytes"] == stats(server, "settings")["maxbytes"] == str(32 << 20)
            assert (
                client.ask(b"cache_memlimit 65\r\n") == b"MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n"
            )

    def test_a_lower_limit_stops_growth(self, server: Address) -> None:
        with Raw(server) as client:
            assert client.ask(b"cache_memlimit 8\r\n") == b"OK\r\n"
            fill(client, b"k", 240, 100_000)
        assert int(stats(server)["evictions"]) > 100
        assert int(stats(server, "slabs")["total_malloced"]) == 8 << 20

    def test_a_page_moves_to_another_class(self, server: Address) -> None:
        with Raw(server) as client:
            fill(client, b"k", 30, 100_000)
            fill(client, b"small", 1, 10)
            slabs = stats(server, "slabs")
            source = next(
                name.split(":")[0] for name, value in slabs.items() if name.endswith("total_pages") and value != "1"
            )
            assert client.ask(b"slabs reassign %b 1\r\n" % source.encode()) == b"OK\r\n"
            wait_until(lambda: client.ask(b"slabs reassign -1 1\r\n") == b"OK\r\n", 10, "the first move ends")
            wait_until(lambda: stats(server)["slabs_moved"] == "2", 10, "the second move ends")
            assert client.ask(b"get small0\r\n", b"END\r\n").startswith(b"VALUE small0")
        moved = stats(server, "slabs")
        assert moved["1:total_pages"] == "3"
        assert stats(server)["curr_items"] == "31"  # copied: memory is not full, the source takes new pages
        assert stats(server)["slabs_moved"] == "2"


class TestPrefixes:
    def test_counts_while_on(self, server: Address) -> None:
        with Raw(server) as client:
            client.ask(b"set a:0 0 0 1\r\n1\r\n")
            assert client.ask(b"stats detail on\r\n") == b"OK\r\n"
            client.ask(
                b"set a:b 5 0 1\r\n1\r\nget a:b a:c b\r\ngat 0 a:b\r\nadd a:b 0 0 1\r\n1\r\ndelete a:z\r\n"
                b"set :x 0 0 1\r\n1\r\nmg a:b\r\nmg a:no\r\n",
                b"EN\r\n",
            )
            assert stats(server, "settings")["detail_enabled"] == "yes"
            assert client.ask(b"stats detail off\r\n") == b"OK\r\n"
            client.ask(b"get a:b\r\n", b"END\r\n")
            dump = client.ask(b"stats detail dump\r\n", b"END\r\n")
            assert dump == b"PREFIX a get 5 hit 3 set 2 del 1\r\nPREFIX  get 0 hit 0 set 1 del 0\r\nEND\r\n"
            client.ask(b"stats reset\r\n")
            assert client.ask(b"stats detail dump\r\n", b"END\r\n") == b"END\r\n"


class TestConnections:
    def test_conns_names_listener_client_and_watcher(self, server: Address) -> None:
        with Raw(server) as client, Raw(server) as watcher:
            watcher.ask(b"watch\r\n")
            wait_until(lambda: b"conn_watch" in client.ask(b"stats conns\r\n", b"END\r\n"), 5, "the watcher shows")
            text = client.ask(b"stats conns\r\n", b"END\r\n").decode()
            ours = "tcp:{}:{}".format(*client.socket.getsockname())
        assert f":addr {ours}\r\n" in text
        assert text.count(":listen_addr tcp:{}:{}\r\n".format(*server)) == 2
        assert text.count(":state conn_listening\r\n") == 1


class Watching:
    """A watcher, and a client that does things."""

    def __init__(self, server: Address, kinds: bytes) -> None:
        self.client, self._watcher = Raw(server), Raw(server)
        assert self._watcher.ask(b"watch %b\r\n" % kinds) == b"OK\r\n"

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()
        self._watcher.close()

    def lines(self, count: int) -> list[tuple[bytes, bytes]]:
        """(type, fields) of the next lines."""
        text = b""
        while text.count(b"\n") < count:
            text += self._watcher.read_until(b"\n")
        assert WATCH_LINE.sub(b"", text) == b""
        return [(kind, re.sub(rb"cfd=\d+", b"cfd=N", fields)) for _, kind, fields in WATCH_LINE.findall(text)]


class TestWatch:
    def test_fetchers_and_mutations(self, server: Address) -> None:
        with Watching(server, b"fetchers mutations") as watching:
            watching.client.send(b"set a:b 5 10 1\r\n1\r\nget a:b z%\r\nadd a:b 0 0 1\r\n1\r\nincr no 1\r\n")
            lines = watching.lines(7)
        assert lines == [
            (b"item_get", b"key=a%3Ab status=not_found clsid=0 cfd=N size=0"),
            (b"item_store", b"key=a%3Ab status=stored cmd=set ttl=10 clsid=1 cfd=N size=1"),
            (b"item_get", b"key=a%3Ab status=found clsid=1 cfd=N size=1"),
            (b"item_get", b"key=z%25 status=not_found clsid=0 cfd=N size=0"),
            (b"item_get", b"key=a%3Ab status=found clsid=1 cfd=N size=1"),
            (b"item_store", b"key=a%3Ab status=not_stored cmd=add ttl=0 clsid=1 cfd=N size=1"),
            (b"item_get", b"key=no status=not_found clsid=0 cfd=N size=0"),
        ]

    def test_deletions_of_both_protocols(self, server: Address) -> None:
        with Watching(server, b"deletions") as watching:
            watching.client.ask(b"set a 0 0 1\r\n1\r\nset b 0 0 1\r\n1\r\ndelete a\r\ndelete a\r\nmd b\r\n", b"HD\r\n")
            watching.client.ask(b"set c 0 0 2\r\n12\r\nmd c x\r\nmd c I\r\n", b"HD\r\nHD\r\n")
            assert watching.lines(3) == [
                (b"deleted", b"key=a cmd=delete clsid=1 size=1"),
                (b"deleted", b"key=b cmd=md clsid=1 size=1"),
                (b"deleted", b"key=c cmd=md clsid=1 size=2"),
            ]

    def test_evictions(self, server: Address) -> None:
        with Watching(server, b"evictions") as watching:
            fill(watching.client, b"k", 170, 100_000)
            (kind, fields), *_ = watching.lines(1)
        assert kind == b"eviction"
        assert re.fullmatch(rb"key=k\d+ fetch=no ttl=-1 la=\d+ clsid=\d+ size=100000", fields)

    def test_connevents(self, server: Address) -> None:
        with Watching(server, b"connevents") as watching:
            with Raw(server) as other:
                port = other.socket.getsockname()[1]
                other.ask(b"version\r\n")
            lines = watching.lines(2)
        assert lines == [
            (b"conn_new", b"rip=127.0.0.1 rport=%d transport=tcp cfd=N" % port),
            (b"conn_close", b"rip=127.0.0.1 rport=%d transport=tcp reason=normal cfd=N" % port),
        ]

    def test_at_most_twenty_and_each_that_leaves_makes_room(self, server: Address) -> None:
        watchers = [Raw(server) for _ in range(20)]
        assert {watcher.ask(b"watch\r\n") for watcher in watchers} == {b"OK\r\n"}
        with Raw(server) as client:
            assert client.ask(b"watch\r\n") == b"WATCHER_TOO_MANY log watcher limit reached\r\n"
            assert stats(server)["log_watchers"] == "20"
            for watcher in watchers:
                watcher.close()
            wait_until(lambda: stats(server)["log_watchers"] == "0", 5, "all are forgotten")
            assert client.ask(b"watch\r\n") == b"OK\r\n"

    def test_not_behind_other_commands(self, server: Address) -> None:
        with Raw(server) as client:
            reply = client.ask(b"get a\r\nwatch\r\n", b"watch\r\n")
        assert reply == b"END\r\nERROR cannot pipeline other commands before watch\r\n"

    def test_one_that_does_not_read_loses_lines_and_is_told(self, server: Address) -> None:
        with Raw(server, slow=True) as watcher, Raw(server) as client:
            watcher.send(b"watch fetchers\r\n")
            keys = b"get " + b" ".join(b"k" * 200 for _ in range(100)) + b"\r\n"
            wait_until(lambda: stats(server)["log_watchers"] == "1", 5, "it watches")
            for _ in range(300):
                client.ask(keys, b"END\r\n")
                if int(stats(server)["log_watcher_skipped"]) > 0:
                    break
            assert int(stats(server)["log_watcher_skipped"]) > 0
            got = bytearray()
            while b"skipped=" not in got:
                client.ask(b"get k\r\n", b"END\r\n")
                got += watcher.socket.recv(1 << 20)
        assert re.search(rb"\nskipped=[1-9]\d*\nts=", bytes(got))
