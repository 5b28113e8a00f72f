"""-e FILE with a real server: what it kept is served again, and what it did not keep is not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memcache_server.store import hash_seed
from tests.memcache_server.serving import MEMCACHE_SERVER, Raw, serving, stats
from tests.support.processes import LOOPBACK, Server, free_port

KB = 1 << 10


@contextmanager
def restarted(path: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server with that memory file, as a user who may write beside it. `-v`: it says how it began."""
    with serving("-u", "root", "-m", "32", "-v", "-e", str(path), *options, env=env) as server:
        with Raw(server.address) as client:
            client.ask(b"version\r\n")  # connections come earlier than answers, and than what it says
        yield server


def end(server: Server, number: signal.Signals = signal.SIGUSR1) -> int:
    """Send a signal and wait; the exit status as subprocess has it."""
    os.kill(server.pid, number)
    return ended(server)


def ended(server: Server) -> int:
    result = os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)  # whoever started it will reap it
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def shown(client: Raw, key: bytes) -> bytes:
    """All that mg tells of an item, but its TTL and what a look changes."""
    client.send(b"mg %b c f k s v\r\nmn\r\n" % key)
    return client.read_until(b"MN\r\n")


def ttl(client: Raw, key: bytes) -> int:
    answer = client.ask(b"mg %b t\r\n" % key)
    assert answer.startswith(b"HD t"), answer
    return int(answer[4:])


def test_everything_is_there_again(tmp_path: Path) -> None:
    path, rng = tmp_path / "memory", random.Random(3)
    keys = [b"key-%d" % number for number in range(3000)]
    with restarted(path, "-I", "4m", "-o", "debug_commands") as server, Raw(server.address) as client:
        assert "starting empty" not in server.stderr
        for key in keys:
            value = rng.randbytes(int(2 ** rng.uniform(0, 11)))
            words = key, len(value), rng.choice((0, 500)), rng.choice((0, 7)), value
            client.send(b"ms %b %d T%d F%d q\r\n%b\r\n" % words)
        for number in range(3):
            value = rng.randbytes(1500 * KB + number)
            client.send(b"set big-%d 5 0 %d noreply\r\n%b\r\n" % (number, len(value), value))
            keys.append(b"big-%d" % number)
        client.ask(b"md key-1 I T900\r\n")  # stale
        client.ask(b"ms 8J+Ysw== 3 b\r\nabc\r\n")
        client.ask(b"set lasting 0 1000 1\r\nx\r\n")
        client.ask(b"debugtime 400\r\n")
        before = {key: shown(client, key) for key in keys}
        assert sum(answer.startswith(b"VA") for answer in before.values()) == len(keys)
        assert {b"X", b"W"} <= set(before[b"key-1"].split())
        unique = int(client.ask(b"gets lasting\r\n", b"END\r\n").split()[4])
        left, uptime = ttl(client, b"lasting"), int(stats(server.address)["uptime"])
        assert end(server) == 0
        assert f"kept {len(keys) + 2} items" in server.stderr
    with restarted(path, "-I", "4m", "-o", "debug_commands") as server, Raw(server.address) as client:
        assert f"serving {len(keys) + 2} items again" in server.stderr
        stale = shown(client, b"key-1").split(b"\r\n")[0]
        assert {b"X", b"Z"} <= set(stale.split()), "stale, and won before"
        for key in keys:
            if key != b"key-1":
                assert shown(client, key) == before[key]
        assert b"VA 3" in client.ask(b"mg 8J+Ysw== b v\r\n", b"abc\r\n")
        assert left - 60 <= ttl(client, b"lasting") <= left
        assert uptime <= int(stats(server.address)["uptime"]) <= uptime + 60
        client.ask(b"set new 0 0 1\r\nx\r\n")
        assert int(client.ask(b"gets new\r\n", b"END\r\n").split()[4]) == unique + 1, "the CAS counter goes on"
        client.ask(b"debugtime 700\r\n")
        assert client.ask(b"get lasting\r\n") == b"END\r\n"


def test_clients_in_the_middle_of_a_value_do_no_harm(tmp_path: Path) -> None:
    path, options = tmp_path / "memory", ("--drain", "0.1", "--admin", "127.0.0.1:0")
    with restarted(path, *options) as server, Raw(server.address) as client, Raw(server.address, slow=True) as slow:
        client.ask(b"set big 0 0 1000000\r\n%b\r\n" % (b"x" * 1_000_000))
        slow.send(b"get big\r\n" * 20)
        assert slow.socket.recv(1) == b"V"
        client.ask(b"delete big\r\n")
        client.send(b"set half 0 0 900000\r\n" + b"y" * 500_000)
        with Raw(server.address) as other:
            other.ask(b"set a 0 0 1\r\nx\r\n")
        assert end(server) == 0
        assert "kept 1 items" in server.stderr
        assert "Traceback" not in server.stderr
        assert "ignored" not in server.stderr
    with restarted(path, *options) as server, Raw(server.address) as client:
        assert "serving 1 items again" in server.stderr
        assert client.ask(b"get a half big\r\n", b"END\r\n") == b"VALUE a 0 1\r\nx\r\nEND\r\n"
        classes = stats(server.address, "slabs")
        assert sum(int(value) for name, value in classes.items() if name.endswith(":used_chunks")) == 1


def test_clients_that_come_early_are_answered_once_all_is_looked_at(tmp_path: Path) -> None:
    path, port = tmp_path / "memory", free_port()
    with restarted(path) as server, Raw(server.address) as client:
        for number in range(20_000):
            client.send(b"set key-%d 0 0 5 noreply\r\nvalue\r\n" % number)
        client.ask(b"version\r\n")
        assert end(server) == 0
    command = [*MEMCACHE_SERVER, "-l", LOOPBACK, "-p", str(port), "-u", "root", "-m", "32", "-e", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        early = None
        while early is None:
            try:
                early = Raw((LOOPBACK, port))
            except ConnectionRefusedError:
                time.sleep(0.002)
        with early:
            assert early.ask(b"get key-19999\r\n", b"END\r\n") == b"VALUE key-19999 0 5\r\nvalue\r\nEND\r\n"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_any_other_end_is_a_cold_start(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "memory"
    line = f"-e {path}: starting empty: it was not closed cleanly"
    for times in range(2):
        with restarted(path) as server, Raw(server.address) as client:
            assert server.stderr.count(line) == times
            assert client.ask(b"get a\r\n") == b"END\r\n"
            client.ask(b"set a 0 0 1\r\nx\r\n")
            assert end(server, number) == (0 if number != signal.SIGKILL else -signal.SIGKILL)


def test_shutdown_graceful_keeps_shutdown_does_not(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with restarted(path, "-A") as server, Raw(server.address) as client:
        client.ask(b"set a 0 0 1\r\nx\r\n")
        client.send(b"shutdown graceful\r\n")
        assert ended(server) == 0
    with restarted(path, "-A") as server, Raw(server.address) as client:
        assert client.ask(b"get a\r\n", b"END\r\n") == b"VALUE a 0 1\r\nx\r\nEND\r\n"
        client.send(b"shutdown\r\n")
        assert ended(server) == 0
    with restarted(path, "-A") as server, Raw(server.address) as client:
        assert client.ask(b"get a\r\n") == b"END\r\n"


def test_a_file_in_use_ends_the_second_server_and_spares_the_first(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    with restarted(path) as server, Raw(server.address) as client:
        client.ask(b"set a 0 0 1\r\nx\r\n")
        command = [*MEMCACHE_SERVER, "-l", LOOPBACK, "-p", "-1", "-u", "root", "-m", "32", "-e", str(path)]
        second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert second.returncode == 71
        assert second.stderr == f"-e/--memory-file: {path} is in use by another process\n"
        assert client.ask(b"get a\r\n", b"END\r\n") == b"VALUE a 0 1\r\nx\r\nEND\r\n"
        assert end(server) == 0
    with restarted(path) as server, Raw(server.address) as client:
        assert client.ask(b"get a\r\n", b"END\r\n") == b"VALUE a 0 1\r\nx\r\nEND\r\n"


def kept(path: Path) -> None:
    with restarted(path) as server, Raw(server.address) as client:
        client.ask(b"set a 0 0 1\r\nx\r\n")
        assert end(server) == 0


def test_other_flags_or_damage_or_another_length_are_one_line_and_a_cold_start(tmp_path: Path) -> None:
    path = tmp_path / "memory"

    def damage() -> None:
        with path.open("r+b") as file:
            file.seek(4096 + 40)
            file.write(b"rubbish")

    cases = (
        ((), lambda: os.truncate(path, 100_000), "it is not as long as it was"),
        ((), damage, "its pages are damaged"),
        (("-f", "1.5"), lambda: None, "it was written with other flags (growth_factor)"),
        (("-C",), lambda: None, "it was written with other flags (cas)"),
    )
    for options, change, line in cases:
        kept(path)
        change()
        with restarted(path, *options) as server, Raw(server.address) as client:
            assert server.stderr.count(f"-e {path}: starting empty: {line}") == 1
            assert client.ask(b"get a\r\n") == b"END\r\n"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    command = [*MEMCACHE_SERVER, "-p", "-1", "-u", "root", "-e", str(tmp_path / "none" / "memory")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr == f"-e/--memory-file: {tmp_path / 'none' / 'memory'}: No such file or directory\n"


def test_stats_settings_names_the_file(tmp_path: Path) -> None:
    with restarted(tmp_path / "memory") as server:
        assert stats(server.address, "settings")["memory_file"] == str(tmp_path / "memory")


def test_the_seed_is_drawn_once_and_then_the_file_s(tmp_path: Path) -> None:
    path = tmp_path / "memory"
    seeds = []
    for given in ({}, {}, {hash_seed.VARIABLE: "random"}, {hash_seed.VARIABLE: "5"}):
        with restarted(path, env=given) as server, Raw(server.address) as client:
            environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
            seeds += [line for line in environment if line.startswith(hash_seed.VARIABLE.encode())]
            there = b"VALUE a 0 1\r\nx\r\n" if len(seeds) > 1 else b""
            assert client.ask(b"get a\r\n", b"END\r\n") == there + b"END\r\n"
            client.ask(b"set a 0 0 1\r\nx\r\n")
            assert end(server) == 0
    assert len(seeds) == 4
    assert len(set(seeds)) == 1


@pytest.mark.parametrize("seed", range(2))
def test_kill_at_random_moments_of_saving(tmp_path: Path, seed: int) -> None:
    path, rng = tmp_path / "memory", random.Random(seed)
    there: dict[bytes, bytes] = {}
    sure = True  # that nothing was lost
    for _ in range(6):
        with restarted(path) as server, Raw(server.address) as client:
            warm = "items again" in server.stderr
            assert warm or not sure or not there
            for key, value in there.items():
                wanted = b"VALUE %b 0 %d\r\n%b\r\nEND\r\n" % (key, len(value), value) if warm else b"END\r\n"
                assert client.ask(b"get %b\r\n" % key, b"END\r\n") == wanted
            if not warm:
                there = {}
            for _ in range(400):
                key, value = b"key-%d" % rng.randrange(600), b"%x" % rng.getrandbits(rng.choice((8, 8000, 80_000)))
                client.send(b"set %b 0 0 %d noreply\r\n%b\r\n" % (key, len(value), value))
                there[key] = value
            client.ask(b"version\r\n")
            client.close()
            os.kill(server.pid, signal.SIGUSR1)
            time.sleep(rng.uniform(0, 0.06))
            sure = end(server, signal.SIGKILL) == 0
