"""A supervisor and its workers as real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcdaemon.workers import restart_delay_s

PATIENCE_S = 20.0


class Pool:
    """A running supervisor, and what its workers print."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.mcdaemon.scripted_daemon", "port=0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def wait_started(self, workers: int) -> tuple[set[int], int, int]:
        """Pids of the workers, their port, pid of the reporter."""
        lines = [self.line() for _ in range(workers + 1)]
        started = [line for line in lines if line[0] == "started"]
        (reporter,) = (int(line[1]) for line in lines if line[0] == "reporter")
        (port,) = {int(line[2]) for line in started}
        return {int(line[1]) for line in started}, port, reporter

    def finish(self) -> tuple[int, list[str], str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out.splitlines(), err


@pytest.fixture
def pools() -> Iterator[list[Pool]]:
    running: list[Pool] = []
    yield running
    for pool in running:
        if pool.process.poll() is None:
            pool.process.kill()
        pool.finish()


@pytest.fixture
def pool(pools: list[Pool]) -> Pool:
    pools.append(Pool("workers=2"))
    return pools[0]


def ask(port: int) -> int:
    """Which process answers a new connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        return int(client.makefile().readline())


def is_alive(pid: int) -> bool:
    """Neither gone nor a zombie waiting for somebody to reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline, "still alive"
        time.sleep(0.01)


def test_workers_share_the_port_and_the_counters(pool: Pool) -> None:
    pids, port, reporter = pool.wait_started(2)
    answered = {ask(port) for _ in range(64)}
    assert answered == pids
    os.kill(reporter, signal.SIGHUP)
    assert pool.line() == ["total", "64"]
    pool.process.terminate()
    code, steps, err = pool.finish()
    assert code == 0
    assert sorted(steps) == sorted(["unready", "stop_accepting", "drain", "close"] * 2)
    assert err.count("SIGTERM: stopping") == 3
    wait_gone({*pids, reporter})


def test_hangup_reaches_every_worker(pool: Pool) -> None:
    pool.wait_started(2)
    pool.process.send_signal(signal.SIGHUP)
    assert sorted(" ".join(pool.line()) for _ in range(3)) == ["reload", "reload", "total 0"]
    pool.process.send_signal(signal.SIGINT)
    assert pool.finish()[0] == 0


def test_a_killed_worker_is_replaced_and_totals_go_on(pool: Pool) -> None:
    pids, port, reporter = pool.wait_started(2)
    first = [ask(port) for _ in range(16)]
    victim = first[0]
    os.kill(victim, signal.SIGKILL)
    line = pool.line()
    assert line[0] == "started" and int(line[1]) not in pids and int(line[2]) == port
    answered = {ask(port) for _ in range(64)}
    assert answered == pids - {victim} | {int(line[1])}
    os.kill(reporter, signal.SIGHUP)
    assert pool.line() == ["total", "80"]
    pool.process.terminate()
    code, _, err = pool.finish()
    assert code == 0
    assert "was killed by SIGKILL, restarting in 0.1 s" in err


def test_connections_waiting_for_a_dead_worker_are_answered_by_its_successor(pool: Pool) -> None:
    pids, port, _ = pool.wait_started(2)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    with ExitStack() as clients:
        waiting = [
            clients.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)) for _ in range(16)
        ]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        successors = {int(pool.line()[1]) for _ in range(2)}
        assert {int(client.recv(64)) for client in waiting} == successors


def test_workers_end_when_the_supervisor_is_killed(pool: Pool) -> None:
    pids, port, reporter = pool.wait_started(2)
    pool.process.kill()
    wait_gone({*pids, reporter})
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert pool.finish()[2].count("the parent process is gone") == 3


def test_second_signal_reaches_workers_that_still_drain(pools: list[Pool]) -> None:
    pool = Pool("workers=1", "drain=hang", "drain_s=600")
    pools.append(pool)
    pool.wait_started(1)
    pool.process.terminate()
    assert [pool.line()[0] for _ in range(3)] == ["unready", "stop_accepting", "drain"]
    pool.process.terminate()
    code, steps, _ = pool.finish()
    assert (code, steps) == (0, ["drain cancelled", "close"])


def test_a_stopped_worker_is_killed_after_the_deadline(pools: list[Pool]) -> None:
    pool = Pool("workers=1", "drain_s=0")
    pools.append(pool)
    pids, _, _ = pool.wait_started(1)
    os.kill(pids.pop(), signal.SIGSTOP)
    pool.process.terminate()
    assert pool.finish()[0] == 1


def test_a_worker_that_never_served_ends_them_all(pools: list[Pool]) -> None:
    pools.append(Pool("workers=2", "exit_early=yes"))
    assert pools[0].finish()[0] == 3


@pytest.mark.parametrize(
    ("failures", "lived_s", "delay_s"),
    [(1, 0.0, 0.1), (2, 1.0, 0.2), (4, 29.9, 0.8), (50, 0.0, 10.0), (0, 0.0, 0.0), (9, 30.0, 0.0)],
)
def test_restart_delay(failures: int, lived_s: float, delay_s: float) -> None:
    assert restart_delay_s(failures, lived_s) == delay_s
