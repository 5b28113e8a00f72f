"""The command line, and that its exit statuses are the original's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from memcache_server.extended import EXTENDED
from tests.memcache_server.serving import MEMCACHE_SERVER, USER, Raw, serving, stats
from tests.support.processes import LOOPBACK

# Words -> what our line says of them.
REFUSED = {
    "--no-such-flag": "unknown option --no-such-flag",
    "-Q": "unknown option -Q",
    "-p": "-p/--port",
    "-m": "-m/--memory-limit",
    "-p 99999": "-p/--port: 99999 is not between -1 and 65535",
    "-m abc": '-m/--memory-limit: "abc"',
    "-m 0": "-I/--max-item-size: Cannot set item size limit higher than 1/2 of memory max.",
    "-m 1": "-I/--max-item-size: Cannot set item size limit higher than 1/2 of memory max.",
    "-I 100": "-I/--max-item-size: 100 is not",
    "-I 2g": "-I/--max-item-size: 2g is not",
    "-I abc": '-I/--max-item-size: "abc"',
    "-I 1500k": "-I (item_size_max: 1536000) must be evenly divisible by slab_chunk_max (bytes: 524288)",
    "-I 256k": "slab_chunk_max (bytes: 524288) cannot be larger than -I (item_size_max 262144)",
    "-c 0": "-c/--conn-limit: 0 is not",
    "-c abc": '-c/--conn-limit: "abc"',
    "-f 1": "-f/--slab-growth-factor: 1 is not greater than 1",
    "-n 0": "-n/--slab-min-size: 0 is not",
    "-t 0": "-t/--threads: 0 is not",
    "-B foo": '-B/--protocol: "foo" is not one of auto, ascii',
    "-o foo": 'Illegal suboption "foo"',
    "-o modern,foo=3": 'Illegal suboption "foo=3"',
    "-o hashpower": "Missing hashpower argument",
    "-o hashpower=5": "Initial hashtable multiplier of 5 is too low",
    "-o hashpower=40": "Initial hashtable multiplier of 40 is too high",
    "-o idle_timeout": "Missing idle_timeout argument",
    "-o slab_automove=3": "slab_automove must be between 0 and 2",
    "-o slab_automove_ratio=2": "slab_automove_ratio must be > 0 and < 1",
    "-o slab_automove_window=2": "slab_automove_window must be > 2",
    "-o tail_repair_time=5": "Cannot set tail_repair_time to less than 10 seconds",
    "-o hash_algorithm=md5": "Unknown hash_algorithm option (jenkins, murmur3, xxh3)",
    "-o lru_crawler_sleep=2000000": "LRU crawler sleep must be between 0 and 1 second",
    "-o lru_crawler_tocrawl=x": "could not parse argument to lru_crawler_tocrawl",
    "-o hot_lru_pct=0": "hot_lru_pct must be > 1 and < 80",
    "-o hot_lru_pct=50,warm_lru_pct=50": "hot_lru_pct + warm_lru_pct cannot be more than 80% combined",
    "-o hot_max_factor=x": "hot_max_factor must be > 0",
    "-o watcher_logbuf_size=x": "could not parse argument to watcher_logbuf_size",
    "-o slab_sizes=x": "slab size 0 is out of valid range",
    "-o slab_sizes=100-104": "slab size 104 must be at least 8 bytes larger than previous class",
    "-o ssl_verify_mode=7": "Invalid ssl_verify_mode",
    "-o ssl_min_version=7": "Invalid ssl_min_version",
    "-o no_idle_timeout": 'Illegal suboption "no_idle_timeout"',
    "-o no_track_sizes": 'Illegal suboption "no_track_sizes"',
    "-o proxy_config=/x": 'Illegal suboption "proxy_config=/x"',
    "-o slab_automove_freeratio": "Missing slab_automove_freeratio argument",
    "-o slab_automove_freeratio=x": "could not parse argument to slab_automove_freeratio",
    "-o ssl_keyformat": "Missing ssl_keyformat argument",
    "-R 0": "-R/--max-reqs-per-event: 0 is not",
    "-N 0": "-N/--napi-ids: connections are not spread over threads",
    "-S": "-S/--enable-sasl: SASL belongs to the binary protocol",
    "-Y /no/such/file": "-Y/--auth-file: [Errno 2] No such file or directory",
    "-l 192.0.2.1": "cannot listen on 192.0.2.1",
    "-s /no/such/directory/socket": "cannot listen on /no/such/directory/socket: No such file or directory",
}
OURS_ALONE = {
    "-U 11999": (64, "-U/--udp-port: UDP is not served, only 0 is taken"),
    "-U x": (64, '-U/--udp-port: "x" is not a whole number'),
    "-B binary": (64, '-B/--protocol: "binary" is not one of auto, ascii'),
    "-a 9": (1, '-a/--unix-mask: "9" is not an octal number'),
    "-m 40000": (64, "-m/--memory-limit: 40000 is not between 0 and 32768"),
    "-o ext_path=/tmp/x:1m": (1, 'Illegal suboption "ext_path=/tmp/x:1m"'),
    "-o sock_cookie_id": (1, "Missing sock_cookie_id argument"),
    "-o ssl_keyformat=2": (1, "ssl_keyformat must be 1: only PEM is read"),
    "word": (1, "unexpected argument word"),
    "--drain x": (1, "--drain"),
    "--admin x:y": (64, "--admin"),
}


def run(*words: str, program: list[str] = MEMCACHE_SERVER, env: dict[str, str] | None = None):
    environment = {**os.environ, **(env or {})}
    return subprocess.run(
        [*program, *words], env=environment, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.memcached
@pytest.mark.parametrize("words", REFUSED)
def test_refused_with_the_originals_exit_status(words: str) -> None:
    theirs = run(*USER, *words.split(), program=[shutil.which("memcached") or "/usr/bin/memcached"])
    ours = run(*USER, *words.split())
    assert ours.returncode == theirs.returncode != 0
    assert len(ours.stderr.splitlines()) == 1
    assert REFUSED[words] in ours.stderr
    assert ours.stdout == ""


@pytest.mark.parametrize("words", OURS_ALONE)
def test_refused_here_alone(words: str) -> None:
    ours = run(*USER, *words.split())
    assert (ours.returncode, len(ours.stderr.splitlines())) == (OURS_ALONE[words][0], 1)
    assert OURS_ALONE[words][1] in ours.stderr


def test_version() -> None:
    for flag in ("-V", "--version"):
        done = run(flag)
        assert done.returncode == 0
        assert re.fullmatch(r"memcached 1\.6\.42 \(mcfleet \S+\)\n", done.stdout)


def test_help_names_every_flag() -> None:
    done = run("-h")
    assert done.returncode == 0
    for flag in (*(f"-{letter}" for letter in "pUsaluMmcvfntbIBoVh"), "--admin", "--drain", "--log-format"):
        assert re.search(rf"(^|[ ,]){flag}\b", done.stdout, re.MULTILINE), flag


def test_print_settings_tells_sources() -> None:
    done = run("-m 128", "-p", "0", "--print-settings", env={"MEMCACHE_SERVER_CONN_LIMIT": "77"})
    assert done.returncode == 0
    lines = [re.sub(" +", " ", line) for line in done.stdout.splitlines()]
    assert "memory_limit = 128 (source: flag --memory-limit)" in lines
    assert "conn_limit = 77 (source: environment MEMCACHE_SERVER_CONN_LIMIT)" in lines
    assert "threads = 1 (source: default)" in lines


def test_environment_and_charts_words() -> None:
    environment = {"MEMCACHE_SERVER_MEMORY_LIMIT": "32", "MEMCACHE_SERVER_CONN_LIMIT": "99"}
    with serving("-m 128", "-o", "modern,hashpower=20", "-o", "no_lru_crawler", env=environment) as server:
        settings = stats(server.address, "settings")
    assert (settings["maxbytes"], settings["maxconns"]) == (str(128 << 20), "99")


def test_settings_shown_are_those_given() -> None:
    options = ["-c", "50", "-f", "1.5", "-n", "96", "-b", "33", "-I", "512k", "-M", "-t", "1", "-B", "ascii"]
    with serving(*options) as server:
        shown = stats(server.address, "settings")
        with Raw(server.address) as client:
            assert client.ask(b"verbosity 1\r\n") == b"OK\r\n"
        assert stats(server.address, "settings")["verbosity"] == "1"
    expected = {
        "maxconns": "50", "growth_factor": "1.50", "chunk_size": "96", "tcp_backlog": "33", "item_size_max": "524288",
        "evictions": "off", "num_threads": "1", "tcpport": str(server.address[1]), "inter": LOOPBACK, "verbosity": "0",
    }  # fmt: skip
    assert {name: shown[name] for name in expected} == expected


def test_extended_options_are_shown() -> None:
    words = "track_sizes,ssl_kernel_tls,ssl_keyformat=1,slab_automove_freeratio=0.25"
    with serving("-o", words, "-b", "0") as server:
        shown = stats(server.address, "settings")
    assert (shown["track_sizes"], shown["slab_automove_freeratio"], shown["tcp_backlog"]) == ("yes", "0.250", "0")


@pytest.mark.memcached
def test_the_original_knows_every_extended_option_that_we_take() -> None:
    program = [shutil.which("memcached") or "/usr/bin/memcached"]
    for name in EXTENDED.keys() - {"relaxed_privileges", "debug_commands"}:  # in debug builds only, and ours
        assert "Illegal suboption" not in run("-o", name, "-V", program=program).stderr, name
    assert 'Illegal suboption "foo"' in run("-o", "foo", "-V", program=program).stderr
