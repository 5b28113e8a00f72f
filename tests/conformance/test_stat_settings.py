"""`stats settings`: what each flag does to it, on ours and on the original."""

from __future__ import annotations

import pytest

from tests.conformance.conftest import Start
from tests.memcache_server.serving import Raw, stats
from tests.support.original_names import NEWER_STATS, STATS

pytestmark = pytest.mark.memcached

BOTH = (True, False)  # ours, theirs

# Name -> the flag that changes it; all of a table are given to one server of each kind.
CHANGED = {
    "maxbytes": "-m 100",
    "maxconns": "-c 50",
    "verbosity": "-v",
    "evictions": "-M",
    "umask": "-a 0770",
    "shutdown_command": "-A",
    "growth_factor": "-f 1.5",
    "chunk_size": "-n 96",
    "stat_key_prefix": "-D /",
    "detail_enabled": "-D /",
    "reqs_per_event": "-R 7",
    "cas_enabled": "-C",
    "tcp_backlog": "-b 33",
    "binding_protocol": "-B ascii",
    "watcher_logbuf_size": "-o watcher_logbuf_size=300",
    "item_size_max": "-I 512k",
    "flush_enabled": "-F",
    "dump_enabled": "-X",
    "maxconns_fast": "-o no_maxconns_fast",
    "hashpower_init": "-o hashpower=17",
    "slab_automove_ratio": "-o slab_automove_ratio=0.5",
    "slab_automove_window": "-o slab_automove_window=5",
    "slab_automove_freeratio": "-o slab_automove_freeratio=0.5",
    "slab_chunk_max": "-o slab_chunk_max=16384",
    "lru_crawler_sleep": "-o lru_crawler_sleep=300",
    "lru_crawler_tocrawl": "-o lru_crawler_tocrawl=9",
    "hot_lru_pct": "-o hot_lru_pct=30",
    "warm_lru_pct": "-o warm_lru_pct=35",
    "hot_max_factor": "-o hot_max_factor=0.3",
    "warm_max_factor": "-o warm_max_factor=3.5",
    "idle_timeout": "-o idle_timeout=77",
    "temp_lru": "-o temporary_ttl=30",
    "temporary_ttl": "-o temporary_ttl=30",
    "track_sizes": "-o track_sizes",
}
CHANGED_TOO = {
    "lru_crawler": "-o no_lru_crawler",
    "lru_maintainer_thread": "-o no_lru_maintainer",
    "lru_segmented": "-o no_lru_maintainer",
    "slab_reassign": "-o no_slab_reassign",
    "slab_automove": "-o no_slab_automove",
}
# The same on both without a flag; a flag that would change it is not compared.
CONSTANT = {
    "udpport": "0",
    "inter": "127.0.0.1",
    "domain_socket": "NULL",
    "num_threads": "1",
    "auth_enabled_sasl": "no",
    "auth_enabled_ascii": "no",
    "ssl_enabled": "no",
    "memory_file": "(null)",
}
# Why a name that both have is in no table.
NOT_COMPARED = {
    "tcpport": "each its own, looked at below",
    "oldest": "the moment of the last flush there, always 0 here",
    "hash_algorithm": "the index is another",
    "client_flags_size": "newer",
}


def together(flags: dict[str, str]) -> str:
    """All flags on one command line, those that several names need once."""
    return " ".join(dict.fromkeys(flags.values()))


@pytest.mark.parametrize("table", [CHANGED, CHANGED_TOO], ids=["changed", "changed too"])
def test_flags_are_shown_alike(table: dict[str, str], start: Start) -> None:
    usual = stats(start(True, "").address, "settings")
    ours, theirs = (stats(start(which, together(table)).address, "settings") for which in BOTH)
    names = [name for name in table if name in theirs]
    assert names == list(table)
    shown = {name: ours.get(name) for name in names}
    assert shown == {name: theirs[name] for name in names}
    assert {name for name in names if shown[name] == usual.get(name)} <= {"binding_protocol"}  # text either way


def test_unchanged_values_are_the_same(start: Start) -> None:
    for which in BOTH:
        server = start(which, "")
        shown = stats(server.address, "settings")
        assert {name: shown[name] for name in CONSTANT} == CONSTANT
        assert shown["tcpport"] == str(server.address[1])


def test_commands_change_them_alike(start: Start) -> None:
    changes = {
        b"verbosity 1": "verbosity",
        b"cache_memlimit 200": "maxbytes",
        b"stats detail on": "detail_enabled",
        b"lru_crawler sleep 222": "lru_crawler_sleep",
        b"lru_crawler tocrawl 5": "lru_crawler_tocrawl",
        b"lru_crawler disable": "lru_crawler",
        b"slabs automove ratio 0.6": "slab_automove_ratio",
        b"slabs automove 2": "slab_automove",
        b"lru mode flat": "lru_segmented",
        b"lru temp_ttl 44": "temp_lru temporary_ttl",
        b"lru tune 25 35 0.4 1.5": "hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor",
    }
    shown = []
    for which in BOTH:
        server = start(which, "-R 20")
        with Raw(server.address) as client:
            for command in changes:
                assert client.ask(command + b"\r\n") == b"OK\r\n", command
        after = stats(server.address, "settings")
        shown.append({name: after[name] for names in changes.values() for name in names.split()})
    assert shown[0] == shown[1]


def test_every_name_that_both_have_is_looked_at(start: Start) -> None:
    ours = set(stats(start(True, "").address, "settings"))
    theirs = {*STATS["settings"], *NEWER_STATS["settings"]}
    assert ours <= theirs
    assert ours & theirs <= CHANGED.keys() | CHANGED_TOO.keys() | CONSTANT.keys() | NOT_COMPARED.keys()
