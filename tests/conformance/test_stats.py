"""`stats` and its groups on a fresh server of each: names, their order, and the values that must be equal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.compare import read_stats
from tests.conformance.conftest import QUIET
from tests.conformance.player import Connection
from tests.support.processes import memcache_server_command, memcached_command, running

pytestmark = pytest.mark.memcached

Connections = tuple[Connection, Connection]  # ours, theirs

# What ours must answer; further names of the original may be missing, but none may be out of order.
REQUIRED = {
    "": (
        "pid uptime time version pointer_size rusage_user rusage_system max_connections curr_connections "
        "total_connections rejected_connections cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses "
        "get_expired get_flushed delete_misses delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses "
        "cas_hits cas_badval touch_hits touch_misses store_too_large store_no_memory auth_cmds auth_errors bytes_read "
        "bytes_written limit_maxbytes accepting_conns listen_disabled_num threads conn_yields hash_power_level "
        "hash_bytes hash_is_expanding slabs_moved bytes curr_items total_items slab_global_page_pool "
        "expired_unfetched evicted_unfetched evicted_active evictions reclaimed"
    ),
    "settings": (
        "maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask growth_factor "
        "chunk_size num_threads stat_key_prefix detail_enabled cas_enabled tcp_backlog binding_protocol item_size_max "
        "maxconns_fast hashpower_init slab_chunk_max flush_enabled hash_algorithm idle_timeout track_sizes"
    ),
    "items": (
        "items:1:number items:1:age items:1:mem_requested items:1:evicted items:1:evicted_nonzero "
        "items:1:evicted_time items:1:outofmemory items:1:reclaimed items:1:expired_unfetched "
        "items:1:evicted_unfetched items:1:evicted_active"
    ),
    "slabs": (
        "1:chunk_size 1:chunks_per_page 1:total_pages 1:total_chunks 1:used_chunks 1:free_chunks 1:free_chunks_end "
        "1:get_hits 1:cmd_set 1:delete_hits 1:incr_hits 1:decr_hits 1:cas_hits 1:cas_badval 1:touch_hits "
        "active_slabs total_malloced"
    ),
}
# Names of 1.6.42 that 1.6.18 does not have.
NEWER = frozenset({"client_flags_size", "memory_file", "slab_reassign_busy_nomem", "slab_reassign_last_busy_status"})
# Names whose values belong to the process, to a feature that only one of the two has, or to a clock.
OWN_VALUES = {
    "": (
        "pid uptime time version rusage_user rusage_system curr_connections total_connections bytes_read "
        "bytes_written time_in_listen_disabled_us hash_power_level hash_bytes hash_is_expanding "
        "lru_crawler_running lru_crawler_starts crawler_items_checked"
    ),
    "settings": ("tcpport binding_protocol hash_algorithm oldest reqs_per_event slab_automove_window"),
    "items": "items:1:age items:4:age",
    "slabs": "",
}

WORKLOAD = (
    b"set $a 0 0 1\r\n5\r\nset $b 5 100 100\r\n"
    + b"y" * 100
    + b"\r\nincr $a 1\r\ndecr $a 1\r\nadd $a 0 0 1\r\nx\r\nreplace $c 0 0 1\r\nx\r\n"
    b"get $a $b $c\r\ngets $a\r\nincr $c 1\r\ndecr $c 1\r\ntouch $a 0\r\ntouch $c 0\r\n"
    b"gat 0 $a $c\r\nappend $a 0 0 1\r\n1\r\ncas $a 0 0 1 0\r\nx\r\ncas $c 0 0 1 5\r\nx\r\ndelete $c\r\n"
    b"set $d 0 0 20000\r\n" + b"z" * 20000 + b"\r\n"
    b"set $h 0 -1 1\r\n5\r\nincr $h 1\r\nset $h 0 -1 1\r\n5\r\nadd $h 0 0 1\r\nx\r\n"
    b"set $f 0 0 1100000\r\n" + b"w" * 1100000 + b"\r\nset $g 0 -1 1\r\nx\r\nget $g\r\ndelete $d\r\n"
)
LAST_REPLIES = b"STORED\r\nEND\r\nDELETED\r\n"


def worked_on(*flags: str) -> Iterator[Connections]:
    """Both servers with these flags, after the workload."""
    with (
        running(lambda port: memcache_server_command(port, *flags)) as ours,
        running(lambda port: memcached_command(port, *flags)) as theirs,
    ):
        both = Connection(ours.address), Connection(theirs.address)
        for connection in both:
            connection.send(WORKLOAD.replace(b"$", b"key-"))
            assert connection.receive(LAST_REPLIES).outcome == "answered"
        yield both
        for connection in both:
            connection.close()


@pytest.fixture(scope="module")
def usual() -> Iterator[Connections]:
    yield from worked_on()


@pytest.fixture(scope="module")
def connections() -> Iterator[Connections]:
    """Without background work, so that no value depends on when one looks."""
    yield from worked_on(*QUIET)


@pytest.mark.parametrize("group", REQUIRED)
def test_names_and_their_order(group: str, usual: Connections) -> None:
    ours, theirs = ([name for name, _ in read_stats(connection, group)] for connection in usual)
    assert set(REQUIRED[group].split()) <= set(ours)
    assert set(ours) - NEWER <= set(theirs)
    assert [name for name in ours if name in theirs] == [name for name in theirs if name in ours]


@pytest.mark.parametrize("group", REQUIRED)
def test_names_without_background_work(group: str, connections: Connections) -> None:
    """They are fewer."""
    ours, theirs = ([name for name, _ in read_stats(connection, group)] for connection in connections)
    assert set(ours) - NEWER <= set(theirs)
    assert [name for name in ours if name in theirs] == [name for name in theirs if name in ours]


@pytest.mark.parametrize("group", REQUIRED)
def test_values(group: str, connections: Connections) -> None:
    ours, theirs = (dict(read_stats(connection, group)) for connection in connections)
    compared = [name for name in ours if name in theirs and name not in OWN_VALUES[group].split()]
    assert len(compared) >= 10
    assert {name: ours[name] for name in compared} == {name: theirs[name] for name in compared}


def test_reset(connections: Connections) -> None:
    """Counters go back to 0, what describes the present stays; last, since it changes what the others read."""
    after = []
    for connection in connections:
        connection.send(b"stats reset\r\n")
        assert connection.receive(b"RESET\r\n").outcome == "answered"
        stats = dict(read_stats(connection))
        after.append({name: value for name, value in stats.items() if name not in OWN_VALUES[""].split()})
    ours, theirs = after
    assert {name: value for name, value in ours.items() if name in theirs} == {
        name: value for name, value in theirs.items() if name in ours
    }
    assert ours["curr_items"] != "0"
    assert ours["cmd_set"] == "0"
