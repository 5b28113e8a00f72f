"""Every stat: what makes it change, done to both servers, and the change compared; or what it shows, and why.

The tables are in raised_stats.py; what takes more than a script is a test below, named in BY_HAND.
"""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack

import pytest

from tests.conformance.compare import read_stats
from tests.conformance.conftest import Start
from tests.conformance.player import Connection, new_prefix
from tests.conformance.raised_stats import FLAT, RAISED, SHOWN, Raised, quiet_sets
from tests.memcache_server.serving import Raw
from tests.support.processes import Address, Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.memcached

PATIENCE_S = 15.0
BOTH = (True, False)  # ours, theirs

# (group, name) -> the test below that provokes it
BY_HAND = {
    ("", "curr_connections"): "test_connections",
    ("", "total_connections"): "test_connections",
    ("", "rejected_connections"): "test_refused_connections",
    ("", "accepting_conns"): "test_connections_that_wait",
    ("", "listen_disabled_num"): "test_connections_that_wait",
    ("", "time_in_listen_disabled_us"): "test_connections_that_wait",
    ("", "get_flushed"): "test_flushed_items",
    ("", "auth_cmds"): "test_logins",
    ("", "auth_errors"): "test_logins",
    ("", "idle_kicks"): "test_idle_connections",
    ("", "bytes_read"): "test_bytes",
    ("", "bytes_written"): "test_bytes",
    ("", "log_watchers"): "test_watchers",
    ("", "log_worker_written"): "test_watchers",
    ("", "log_watcher_sent"): "test_watchers",
    ("", "log_watcher_skipped"): "test_watchers_that_do_not_read",
    ("", "slabs_moved"): "test_moved_pages",
    ("", "slab_reassign_rescues"): "test_moved_pages",
    ("", "lru_maintainer_juggles"): "test_items_move_between_lists",
    ("", "moves_to_cold"): "test_items_move_between_lists",
    ("", "moves_to_warm"): "test_items_move_between_lists",
    ("items", "moves_to_cold"): "test_items_move_between_lists",
    ("items", "moves_to_warm"): "test_items_move_between_lists",
    ("items", "hits_to_hot"): "test_items_move_between_lists",
    ("items", "hits_to_warm"): "test_items_move_between_lists",
    ("items", "hits_to_cold"): "test_items_move_between_lists",
    ("items", "number_temp"): "test_items_that_live_for_a_short_time",
    ("items", "hits_to_temp"): "test_items_that_live_for_a_short_time",
}


def values(server: Server, group: str) -> dict[str, str]:
    """The stats of a group by name; of those of a class or connection, the first of each name."""
    connection = Connection(server.address)
    found: dict[str, str] = {}
    for name, value in read_stats(connection, group):
        found.setdefault(name.rpartition(":")[2], value)
    connection.close()
    return found


def number(server: Server, name: str, group: str = "") -> int:
    return int(values(server, group).get(name, "0"))


def perform(server: Server, sent: bytes, prefix: bytes) -> None:
    """Send a script and read all of its answers."""
    with Raw(server.address) as client:
        if b"<CAS>" in sent:
            client.ask(b"set %bcas 0 0 1\r\nx\r\n" % prefix)
            words = client.ask(b"gets %bcas\r\n" % prefix, b"END\r\n").split()
            sent = sent.replace(b"<CAS>", words[4])
        client.send(sent.replace(b"$", prefix)).end().read_all()


def change(server: Server, group: str, name: str, raised: Raised, prefix: bytes) -> int:
    """By how much the script changes the stat; of a slow one, once it stands still."""
    before = number(server, name, group)
    perform(server, raised.sent, prefix)
    if raised.slow:
        wait_until(lambda: number(server, "lru_crawler_running") == 0, PATIENCE_S, "the crawl ends")
    return number(server, name, group) - before


@pytest.mark.parametrize(("group", "name"), RAISED)
def test_changes_alike(group: str, name: str, start: Start) -> None:
    raised, prefix = RAISED[group, name], new_prefix(6)
    ours, theirs = (change(start(which, raised.flags), group, name, raised, prefix) for which in BOTH)
    assert ours != 0
    assert ours == theirs or (raised.inexact and theirs != 0)


@pytest.mark.parametrize(("group", "name"), SHOWN)
def test_shown_alike(group: str, name: str, start: Start) -> None:
    row, shown = SHOWN[group, name], []
    for which in BOTH:
        server = start(which, "")
        with Raw(server.address) as client:
            client.ask(b"set k 0 0 1\r\nx\r\n")
        shown.append(values(server, group)[name])
    assert all(re.fullmatch(row.pattern, value) for value in shown), shown
    assert not row.equal or shown[0] == shown[1]


@pytest.mark.parametrize("which", BOTH)
def test_connections(which: bool, start: Start) -> None:
    server = start(which, FLAT)
    with Raw(server.address) as client:

        def counts() -> list[int]:
            lines = dict(line.split()[1:3] for line in client.ask(b"stats\r\n", b"END\r\n").splitlines()[:-1])
            return [int(lines[name]) for name in (b"curr_connections", b"total_connections")]

        wait_until(lambda: counts()[0] == counts()[0], PATIENCE_S, "those before are closed")
        current, total = counts()
        with ExitStack() as others:
            for _ in range(3):
                others.enter_context(Raw(server.address)).ask(b"mn\r\n")
            assert counts() == [current + 3, total + 3]
        wait_until(lambda: counts() == [current, total + 3], PATIENCE_S, "they are closed")


@pytest.mark.parametrize("which", BOTH)
def test_refused_connections(which: bool, start: Start) -> None:
    server, refused = start(which, "-c 40"), 0
    with Raw(server.address) as client, ExitStack() as others:
        client.ask(b"mn\r\n")
        for _ in range(50):
            refused += others.enter_context(Raw(server.address)).send(b"mn\r\n").read_until(b"\r\n") != b"MN\r\n"
        assert refused > 0
        assert b"STAT rejected_connections %d\r\n" % refused in client.ask(b"stats\r\n", b"END\r\n")


@pytest.mark.parametrize("which", BOTH)
def test_connections_that_wait(which: bool, start: Start) -> None:
    server = start(which, "-c 20 -o no_maxconns_fast")
    with Raw(server.address) as client, ExitStack() as others:
        assert b"STAT accepting_conns 1\r\n" in client.ask(b"stats\r\n", b"END\r\n")
        for _ in range(30):  # without waiting for any: the original then leaves them without an answer
            waiting = others.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.address)
        wait_until(lambda: b"accepting_conns 0" in client.ask(b"stats\r\n", b"END\r\n"), PATIENCE_S, "it waits")
        assert re.search(rb"listen_disabled_num [1-9]", client.ask(b"stats\r\n", b"END\r\n"))
        others.close()
        wait_until(lambda: b"accepting_conns 1" in client.ask(b"stats\r\n", b"END\r\n"), PATIENCE_S, "it accepts")
        assert re.search(rb"time_in_listen_disabled_us [1-9]", client.ask(b"stats\r\n", b"END\r\n"))


def test_flushed_items(start: Start) -> None:
    """An item that is older than the flush by seconds is met dead later: on a hit, not at the flush."""
    servers = [start(which, f"{FLAT},hashpower=17") for which in BOTH]
    for server in servers:
        perform(server, b"set a 0 0 1\r\nx\r\nset b 0 0 1\r\nx\r\n", b"")
    stored = {server: number(server, "time") for server in servers}
    for server in servers:
        wait_until(lambda server=server: number(server, "time") >= stored[server] + 3, PATIENCE_S, "seconds pass")
        perform(server, b"flush_all\r\nget a b\r\nget a\r\n", b"")
    assert [number(server, "get_flushed") for server in servers] == [2, 2]


@pytest.mark.parametrize("which", BOTH)
def test_logins(which: bool, start: Start) -> None:
    address = start(which, "-Y USERS -u root").address
    with Raw(address) as client:
        assert client.ask(b"set k 0 0 3\r\na b\r\n") == b"STORED\r\n"
        before = client.ask(b"stats\r\n", b"END\r\n")
        for login in (b"a b", b"a c", b"c b"):
            with Raw(address) as other:
                other.ask(b"set k 0 0 3\r\n%b\r\n" % login)
        after = client.ask(b"stats\r\n", b"END\r\n")
    for name, change in ((b"auth_cmds", 3), (b"auth_errors", 2)):
        first, second = (int(text.partition(name)[2].split()[0]) for text in (before, after))
        assert second - first == change, name


def test_idle_connections(start: Start) -> None:
    servers = [start(which, "-o idle_timeout=1") for which in BOTH]
    with ExitStack() as stack:
        idle = [stack.enter_context(Raw(server.address)) for server in servers for _ in range(2)]
        for client in idle:
            client.ask(b"mn\r\n")
        for client in idle:
            assert client.read_all() == b""
    for server in servers:
        wait_until(lambda server=server: number(server, "idle_kicks") == 2, PATIENCE_S, "both are counted")


@pytest.mark.parametrize("which", BOTH)
def test_bytes(which: bool, start: Start) -> None:
    """To the byte: what the client sent and got between two readings."""
    with Raw(start(which, f"{FLAT},hashpower=18").address) as client:
        first = client.ask(b"stats\r\n", b"END\r\n")
        sent = b"set a 0 0 300\r\n" + b"x" * 300 + b"\r\nget a b\r\nnonsense\r\nset a 0 0 1 noreply\r\n1\r\nmn\r\n"
        got = client.ask(sent, b"MN\r\n")
        second = client.ask(b"stats\r\n", b"END\r\n")
    read, written = (
        [int(found[1]) for text in (first, second) if (found := re.search(b"%b (\\d+)" % name, text))]
        for name in (b"bytes_read", b"bytes_written")
    )
    assert read[1] - read[0] == len(sent) + len(b"stats\r\n")
    assert written[1] - written[0] == len(first) + len(got)


@pytest.mark.parametrize("which", BOTH)
def test_watchers(which: bool, start: Start) -> None:
    server = start(which, f"{FLAT},hashpower=19")
    with Raw(server.address) as watcher, Raw(server.address) as client:
        assert watcher.ask(b"watch fetchers\r\n") == b"OK\r\n"
        client.ask(b"get a b c\r\n", b"END\r\n")
        lines = b""
        while lines.count(b"\n") < 3:
            lines += watcher.read_until(b"\n")
        for name in ("log_worker_written", "log_watcher_sent"):
            wait_until(lambda name=name: number(server, name) == 3, PATIENCE_S, name)
        assert number(server, "log_watchers") == 1
    wait_until(lambda: number(server, "log_watchers") == 0 or not client_stirs(server), PATIENCE_S, "it has gone")


def client_stirs(server: Server) -> bool:
    """Something to log: the original finds out only then that a watcher has left."""
    perform(server, b"get a\r\n", b"")
    return True


@pytest.mark.parametrize("which", BOTH)
def test_watchers_that_do_not_read(which: bool, start: Start) -> None:
    server = start(which, f"{FLAT},hashpower=20")
    with Raw(server.address, slow=True) as watcher, Raw(server.address) as client:
        watcher.send(b"watch fetchers\r\n").read_until(b"OK\r\n")
        keys = b"get " + b" ".join(b"k" * 200 for _ in range(50)) + b"\r\n"
        for _ in range(1000):
            client.ask(keys, b"END\r\n")
            if number(server, "log_watcher_skipped") > 0:
                break
        assert number(server, "log_watcher_skipped") > 0


def test_moved_pages(start: Start) -> None:
    """A class with spare pages gives one; its items go where there is room."""
    for which in BOTH:
        server = start(which, f"{FLAT},hashpower=21")
        stored = b"".join(b"set k%d 0 0 9000 noreply\r\n%b\r\n" % (n, b"x" * 9000) for n in range(300))
        deleted = b"".join(b"delete k%d noreply\r\n" % n for n in range(0, 300, 2))
        perform(server, b"set a 0 0 1\r\nx\r\n" + stored + deleted, b"")
        with Raw(server.address) as client:
            assert client.ask(b"slabs reassign 22 1\r\n") == b"OK\r\n"
        wait_until(lambda server=server: number(server, "slabs_moved") == 1, PATIENCE_S, "the page has moved")
        assert number(server, "slab_reassign_rescues") > 0
        assert pages_of(server.address)[1] == 2


@pytest.mark.parametrize("which", BOTH)
def test_items_move_between_lists(which: bool, start: Start) -> None:
    """New items are in HOT; what is hit twice goes to WARM, the others to COLD."""
    server = start(which, "-m 128")
    twice = b"".join(b"get $%d\r\n" % n for n in range(200)) * 2
    perform(server, quiet_sets(20_000) + twice, b"k")
    for name in ("lru_maintainer_juggles", "moves_to_cold", "moves_to_warm"):
        wait_until(lambda name=name: number(server, name) > 0, PATIENCE_S, name)
    wait_until(lambda: number(server, "number_warm", "items") > 100, PATIENCE_S, "they are in WARM")
    wait_until(lambda: number(server, "number_cold", "items") > 15_000, PATIENCE_S, "the others are in COLD")
    perform(server, twice + b"get $300 $301\r\nset $new 0 0 1\r\nx\r\nget $new\r\n", b"k")
    shown = values(server, "items")
    assert [int(shown[name]) > 0 for name in ("moves_to_cold", "moves_to_warm")] == [True, True]
    assert [int(shown[f"hits_to_{name}"]) > 0 for name in ("hot", "warm", "cold")] == [True, True, True]


@pytest.mark.parametrize("which", BOTH)
def test_items_that_live_for_a_short_time(which: bool, start: Start) -> None:
    server = start(which, "-o temporary_ttl=61")
    perform(server, b"set a 0 60 1\r\nx\r\nset b 0 1000 1\r\nx\r\nget a a b\r\n", b"")
    shown = values(server, "items")
    assert (shown["number_temp"], shown["hits_to_temp"]) == ("1", "2")


def pages_of(address: Address) -> dict[int, int]:
    """Slab class -> pages."""
    with Raw(address) as client:
        found = re.findall(rb"STAT (\d+):total_pages (\d+)", client.ask(b"stats slabs\r\n", b"END\r\n"))
    return {int(name): int(pages) for name, pages in found}
