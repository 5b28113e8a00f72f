"""What flags do to a running server, beside the original where it has them."""

from __future__ import annotations

import grp
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.memcache_server.serving import MEMCACHE_SERVER, Raw, serving, stats, stored
from tests.support.processes import LOOPBACK, free_port, memcached_command, running
from tests.support.waiting import wait_until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can switch the user")


@pytest.mark.memcached
@pytest.mark.parametrize(
    ("flag", "requests"),
    [
        ("-F", [b"flush_all\r\n", b"flush_all abc\r\n", b"flush_all noreply\r\nmn\r\n"]),
        ("-C", [b"set k 0 0 1\r\na\r\n", b"gets k\r\n", b"cas k 0 0 1 0\r\nb\r\n", b"cas k 0 0 1 7\r\nb\r\n"]),
        ("-A", [b"shutdown foo\r\n", b"shutdown graceful now\r\n"]),
    ],
)
def test_answers_are_the_originals(flag: str, requests: list[bytes]) -> None:
    with running(lambda port: memcached_command(port, flag)) as theirs, serving(flag) as ours:
        for request in requests:
            answers = []
            for server in (theirs, ours):
                with Raw(server.address) as client:
                    answers.append(client.send(request).end().read_all())
            assert answers[0] == answers[1], request


def test_shutdown_is_off_by_default() -> None:
    with serving() as server, Raw(server.address) as client:
        assert client.ask(b"shutdown\r\n") == b"SERVER_ERROR: shutdown not enabled\r\n"
        assert client.ask(b"debugtime 1\r\n") == b"ERROR\r\n"


@pytest.mark.parametrize(("words", "said"), [(b"shutdown", ""), (b"shutdown graceful", "Gracefully stopping\n")])
def test_shutdown(words: bytes, said: str) -> None:
    port = free_port()
    process = subprocess.Popen(
        [*MEMCACHE_SERVER, "-u", "nobody", "-A", "-l", LOOPBACK, "-p", str(port)], stderr=subprocess.PIPE, text=True
    )

    def connected() -> Raw | None:
        try:
            return Raw((LOOPBACK, port))
        except OSError:
            return None

    with wait_until(connected, 15, "it serves") as client:
        assert client.send(words + b"\r\n").read_all() == b""
    assert process.communicate(timeout=10)[1] == said
    assert process.returncode == 0


def test_debugtime_moves_the_clock() -> None:
    with serving("-o", "debug_commands,relaxed_privileges") as server, Raw(server.address) as client:
        assert client.ask(b"debugtime p\r\nset k 0 10 1\r\n1\r\n", b"STORED\r\n") == b"OK\r\nSTORED\r\n"
        assert client.ask(b"debugtime 9\r\nget k\r\n", b"END\r\n") == b"OK\r\nVALUE k 0 1\r\n1\r\nEND\r\n"
        assert client.ask(b"debugtime 1\r\nget k\r\n", b"END\r\n") == b"OK\r\nEND\r\n"
        assert client.ask(b"debugtime x\r\ndebugtime\r\ndebugtime r\r\n", b"OK\r\n") == b"ERROR\r\nERROR\r\nOK\r\n"


def test_idle_clients_are_closed_and_busy_ones_are_not() -> None:
    with serving("-o", "idle_timeout=2") as server, Raw(server.address) as idle, Raw(server.address) as busy:
        idle.ask(b"version\r\n")
        started = time.monotonic()
        wait_until(lambda: b"STAT idle_kicks 1\r\n" in busy.ask(b"stats\r\n", b"END\r\n"), 8, "the idle one is closed")
        assert time.monotonic() - started > 0.9
        assert idle.read_all() == b""
    with serving() as server:
        assert "idle_kicks" not in stats(server.address)


def test_requests_per_turn() -> None:
    with serving("-R", "5") as server, Raw(server.address) as client:
        assert client.send(b"version\r\n" * 20).end().read_all().count(b"VERSION") == 20
        assert int(stats(server.address)["conn_yields"]) >= 3
        assert stats(server.address, "settings")["reqs_per_event"] == "5"


def test_slab_sizes_and_chunk_max() -> None:
    with serving("-o", "slab_sizes=100-200-400,slab_chunk_max=16384,hashpower=18") as server:
        for size in (10, 150, 300, 5000, 100_000, 900_000):
            stored(server.address, b"k%d" % size, b"v" * size)
        with Raw(server.address) as client:
            got = client.ask(b"get k900000\r\n", b"END\r\n")
        assert got == b"VALUE k900000 0 900000\r\n%b\r\nEND\r\n" % (b"v" * 900_000)
        sizes = {value for name, value in stats(server.address, "slabs").items() if name.endswith(":chunk_size")}
        assert sizes <= {"104", "200", "400", "16384"}
        assert stats(server.address)["hash_power_level"] == "18"


@as_root
def test_becomes_another_user() -> None:
    with serving("-u", "nobody") as server:
        fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
        nobody = pwd.getpwnam("nobody")
        assert set(fields["Uid"].split()) == {str(nobody.pw_uid)}
        assert set(fields["Gid"].split()) == {str(nobody.pw_gid)}
        assert grp.getgrnam("root").gr_gid not in map(int, fields["Groups"].split())


@as_root
@pytest.mark.memcached
def test_no_such_user() -> None:
    for program in (MEMCACHE_SERVER, ["memcached"]):
        words = [*program, "-l", LOOPBACK, "-p", str(free_port()), "-u", "no-such-user"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert (done.returncode, done.stderr) == (67, "can't find the user no-such-user to switch to\n")


def test_the_background(tmp_path: Path) -> None:
    pid_file, port = tmp_path / "pid", free_port()
    words = [*MEMCACHE_SERVER, "-u", "root", "-l", LOOPBACK, "-p", str(port), "-d", "-P", str(pid_file), "-r"]
    assert subprocess.run(words, capture_output=True, timeout=20, check=False).returncode == 0
    wait_until(pid_file.exists, 5, "the pid file is there")
    pid = int(pid_file.read_text())
    try:
        assert stats((LOOPBACK, port))["pid"] == str(pid)
        assert os.getsid(pid) == pid
        second = subprocess.run([*words, "-P", str(tmp_path / "other")], capture_output=True, timeout=20, check=False)
        assert second.returncode == 71
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not pid_file.exists(), 10, "the pid file has gone")


def test_license() -> None:
    done = subprocess.run([*MEMCACHE_SERVER, "-i"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    assert "Apache License" in done.stdout


@as_root
def test_memory_is_locked_as_it_is_used() -> None:
    with serving("-u", "root", "-k", "-m", "64") as server:
        stored(server.address, b"k", b"v")
        lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
        locked = next(int(line.split()[1]) for line in lines if line.startswith("VmLck:"))
        resident = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        if "mlockall() failed" not in server.stderr:
            assert locked > 64 << 10  # the arena is among it
            assert resident < 64 << 10  # and only what is used takes memory
