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
    "-l 192.0.2.1": "cannot listen on 192.0.2.1",
    "-s /no/such/directory/socket": "cannot listen on /no/such/directory/socket: No such file or directory",
}
OURS_ALONE = {
    "-U 11999": (64, "-U/--udp-port: UDP is not served, only 0 is taken"),
    "-U x": (64, '-U/--udp-port: "x" is not a whole number'),
    "-B binary": (64, '-B/--protocol: "binary" is not one of auto, ascii'),
    "-a 9": (1, '-a/--unix-mask: "9" is not an octal number'),
    "-m 40000": (64, "-m/--memory-limit: 40000 is not between 0 and 32768"),
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


@pytest.mark.memcached
def test_the_original_knows_every_extended_option_that_we_take() -> None:
    program = [shutil.which("memcached") or "/usr/bin/memcached"]
    for name in EXTENDED.keys() - {"relaxed_privileges", "debug_commands"}:  # in debug builds only, and ours
        assert "Illegal suboption" not in run("-o", name, "-V", program=program).stderr, name
    assert 'Illegal suboption "foo"' in run("-o", "foo", "-V", program=program).stderr
