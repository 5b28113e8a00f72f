"""What flags do to a running server, beside the original where it has them."""

from __future__ import annotations

import grp
import os
import pwd
import signal
import subprocess
import time
from contextlib import ExitStack
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
    """The clock is moved by hand: however slow the machine, only the idle one is idle."""
    with (
        serving("-o", "idle_timeout=100,debug_commands") as server,
        Raw(server.address) as idle,
        Raw(server.address) as busy,
    ):
        idle.ask(b"version\r\n")
        for _ in range(2):
            assert busy.ask(b"debugtime p\r\ndebugtime 60\r\n", b"OK\r\nOK\r\n") == b"OK\r\nOK\r\n"
            busy.ask(b"version\r\n")
        wait_until(lambda: b"STAT idle_kicks 1\r\n" in busy.ask(b"stats\r\n", b"END\r\n"), 8, "the idle one is closed")
        assert idle.read_all() == b""
    with serving() as server:
        assert "idle_kicks" not in stats(server.address)


def test_who_asks_while_the_server_stalls_is_not_idle() -> None:
    with serving("-o", "idle_timeout=2") as server, Raw(server.address) as client:
        client.ask(b"version\r\n")
        os.kill(server.pid, signal.SIGSTOP)
        client.send(b"version\r\n")
        time.sleep(3.1)  # until the next look at the clock finds it idle for longer than allowed
        os.kill(server.pid, signal.SIGCONT)
        assert client.read_until(b"\r\n").startswith(b"VERSION ")
        assert stats(server.address)["idle_kicks"] == "0"


def test_requests_per_turn() -> None:
    with serving("-R", "5") as server, Raw(server.address) as client:
        assert client.send(b"version\r\n" * 20).end().read_all().count(b"VERSION") == 20
        assert int(stats(server.address)["conn_yields"]) >= 3
        assert stats(server.address, "settings")["reqs_per_event"] == "5"


@pytest.mark.memcached
def test_turns_are_counted_as_the_originals() -> None:
    yields = []
    with running(lambda port: memcached_command(port, "-R", "20")) as theirs, serving("-R", "20") as ours:
        for server in (theirs, ours):
            for count in (20, 21, 100, 1000):
                with Raw(server.address) as client:
                    client.send(b"get a\r\n" * count).end().read_all()
            yields.append(stats(server.address)["conn_yields"])
    assert yields[1] == yields[0]


@pytest.mark.memcached
def test_over_the_limit_beside_the_original() -> None:
    found = []
    with running(lambda port: memcached_command(port, "-c", "60")) as theirs, serving("-c", "60") as ours:
        for server in (theirs, ours):
            with ExitStack() as clients:
                inside = clients.enter_context(Raw(server.address))
                inside.ask(b"version\r\n")
                before = client_stats(inside)
                opened = [clients.enter_context(Raw(server.address)) for _ in range(70)]
                answers = [client.send(b"mn\r\n").read_all_or(b"MN\r\n") for client in opened]
                after = client_stats(inside)
            refused = answers.count(b"ERROR Too many open connections\r\n")
            assert refused == int(after["rejected_connections"]) - int(before["rejected_connections"]) > 0
            assert answers.count(b"MN\r\n") == 70 - refused
            found.append({name: after[name] for name in ("max_connections", "accepting_conns", "listen_disabled_num")})
            wait_until(lambda at=server.address: connects(at[1]), 5, "there is room again")
    assert found[1] == found[0]


def client_stats(client: Raw) -> dict[str, str]:
    lines = client.ask(b"stats\r\n", b"END\r\n").decode().split("\r\n")[:-2]
    return dict(line.removeprefix("STAT ").split(" ", 1) for line in lines)


@pytest.mark.memcached
def test_core_files_may_be_as_large_as_is_allowed() -> None:
    limits = []
    words = ["prlimit", "--core=0:1048576"]
    for command in (
        lambda port: [*words, *memcached_command(port, "-r")],
        lambda port: [*words, *MEMCACHE_SERVER, "-u", "root", "-l", LOOPBACK, "-p", str(port), "-r"],
    ):
        with running(command) as server:
            lines = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
            limits.append(next(line.split()[4:6] for line in lines if line.startswith("Max core file size")))
    assert limits[1] == limits[0]


def test_large_pages() -> None:
    with serving("-L") as server:
        if Path("/sys/kernel/mm/transparent_hugepage").exists():
            mappings = Path(f"/proc/{server.pid}/smaps")
            wait_until(lambda: " hg" in mappings.read_text(), 5, "it has asked for them")
        else:
            wait_until(lambda: "-L: the system has no large pages" in server.stderr, 5, "it says so")


@pytest.mark.memcached
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signals(number: signal.Signals) -> None:
    ends = []
    for program in (["memcached"], MEMCACHE_SERVER):
        for verbose in ([], ["-v"]):
            port = free_port()
            words = [*program, "-u", "nobody", "-l", LOOPBACK, "-p", str(port), *verbose]
            process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
            wait_until(lambda port=port: connects(port), 15, "it serves")
            process.send_signal(number)
            said = process.communicate(timeout=15)[1]
            ends.append((process.returncode, said if not verbose else "Exiting normally" in said))
    graceful = number == signal.SIGUSR1
    assert ends[0] == ends[2] == (0, "Gracefully stopping\n" if graceful else "")
    assert ends[1] == (0, not graceful)
    assert ends[3] == (0, True)


def connects(port: int) -> bool:
    try:
        Raw((LOOPBACK, port)).close()
    except OSError:
        return False
    return True


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
