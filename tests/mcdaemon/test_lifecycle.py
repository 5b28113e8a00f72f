"""Real processes, real signals: the order of the steps, deadlines, exit statuses."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcdaemon.lifeline import Lifeline

Start = Callable[..., subprocess.Popen[str]]
STEPS = ["unready", "stop_accepting", "drain", "close"]
PATIENCE_S = 20.0


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts scripted daemons; whatever still runs at the end of the test is killed."""
    running: list[subprocess.Popen[str]] = []

    def start_one(*options: str, prefix: tuple[str, ...] = (), **popen: object) -> subprocess.Popen[str]:
        process: subprocess.Popen[str] = subprocess.Popen(
            [*prefix, sys.executable, "-W", "error", "-m", "tests.mcdaemon.scripted_daemon", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **popen,  # type: ignore[call-overload]
        )
        running.append(process)
        return process

    yield start_one
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_line(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def wait_started(process: subprocess.Popen[str]) -> list[str]:
    words = read_line(process)
    assert words and words[0] == "started", process.communicate()
    return words[1:]


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str], str]:
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out.splitlines(), err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_stops_in_four_steps(start: Start, number: signal.Signals) -> None:
    process = start()
    wait_started(process)
    process.send_signal(number)
    code, steps, err = finish(process)
    assert (code, steps) == (0, STEPS)
    assert f"{number.name}: stopping" in err and len(err.splitlines()) == 1


def test_second_signal_closes_at_once(start: Start) -> None:
    process = start("drain=hang", "drain_s=600")
    wait_started(process)
    process.terminate()
    assert [read_line(process)[0] for _ in range(3)] == STEPS[:3]
    process.terminate()
    code, steps, err = finish(process)
    assert (code, steps) == (0, ["drain cancelled", "close"])
    assert "SIGTERM again: closing at once" in err


def test_drain_ends_at_its_deadline(start: Start) -> None:
    process = start("drain=hang", "drain_s=0.3")
    wait_started(process)
    process.terminate()
    began = time.monotonic()
    code, steps, err = finish(process)
    assert 0.25 < time.monotonic() - began < PATIENCE_S / 2
    assert (code, steps) == (0, [*STEPS[:3], "drain cancelled", "close"])
    assert "still in flight after 0.3 s" in err


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_raises_stops_none_of_the_others(start: Start, step: str) -> None:
    process = start(f"fail={step}")
    wait_started(process)
    process.terminate()
    code, steps, err = finish(process)
    assert (code, steps) == (1, STEPS)
    assert f"{step} failed: RuntimeError: as told [" in err


def test_hangup_reloads_and_a_failing_reload_changes_nothing(start: Start) -> None:
    process = start("fail=reload")
    wait_started(process)
    for _ in range(2):
        process.send_signal(signal.SIGHUP)
        assert read_line(process) == ["reload"]
    process.terminate()
    code, steps, err = finish(process)
    assert (code, steps) == (0, STEPS)
    assert err.count("reload failed, what was loaded stays") == 2


def test_hangup_during_start_reloads_afterwards(start: Start) -> None:
    process = start("start=stdin", stdin=subprocess.PIPE)
    assert read_line(process) == ["starting"]
    process.send_signal(signal.SIGHUP)
    assert process.stdin is not None
    print(file=process.stdin, flush=True)
    wait_started(process)
    assert read_line(process) == ["reload"]
    process.terminate()
    assert finish(process)[:2] == (0, STEPS)


def test_graceful_hook_takes_sigusr1(start: Start) -> None:
    process = start("graceful=yes")
    wait_started(process)
    process.send_signal(signal.SIGUSR1)
    assert read_line(process) == ["graceful"]
    process.terminate()
    assert finish(process)[:2] == (0, STEPS)


def test_signal_during_start(start: Start) -> None:
    process = start("start=hang")
    assert read_line(process) == ["starting"]
    process.terminate()
    assert finish(process)[:2] == (0, ["close"])


def test_start_error_is_one_line_and_its_exit_status(start: Start) -> None:
    assert finish(start("start=fail")) == (42, ["close"], "cannot start: as told\n")


def test_port_in_use_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = f"cannot listen on 127.0.0.1:{port}: Address already in use\n"
        assert finish(start(f"port={port}")) == (71, ["close"], line)
        code, _, err = finish(start(f"admin={port}"))
        assert (code, err) == (71, line)


def ask_ready(port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/readyz")
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_admin_port_answers_until_the_end(start: Start) -> None:
    process = start("admin=0", "drain=hang", "drain_s=600")
    wait_started(process)
    port = int(read_line(process)[1])
    assert ask_ready(port) == (200, b"ready\n")
    process.terminate()
    assert [read_line(process)[0] for _ in range(3)] == STEPS[:3]
    assert ask_ready(port) == (503, b"stopping\n")
    process.terminate()
    assert finish(process)[:2] == (0, ["drain cancelled", "close"])
    with pytest.raises(ConnectionRefusedError):
        ask_ready(port)


def test_ends_when_its_parent_lets_go_of_the_lifeline(start: Start) -> None:
    lifeline = Lifeline()
    environ = {**os.environ, **lifeline.environment}
    process = start("drain=hang", pass_fds=lifeline.pass_fds, env=environ)
    wait_started(process)
    assert process.poll() is None
    lifeline.close()
    code, steps, err = finish(process)
    assert (code, steps) == (0, ["unready", "stop_accepting", "close"])
    assert "the parent process is gone" in err


def test_ends_when_its_parent_is_killed(start: Start) -> None:
    script = (
        "import os, subprocess, sys, time; from mcdaemon.lifeline import Lifeline; line = Lifeline()\n"
        "subprocess.Popen([sys.executable, '-m', 'tests.mcdaemon.scripted_daemon', 'drain=hang'],"
        " pass_fds=line.pass_fds, env={**os.environ, **line.environment})\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_started(parent)
    parent.kill()
    out, err = parent.communicate(timeout=PATIENCE_S)  # returns when the daemon has closed the pipes too
    assert out.split() == ["unready", "stop_accepting", "close"]
    assert "the parent process is gone" in err


def test_a_stale_lifeline_variable_is_ignored(start: Start) -> None:
    process = start(env={**os.environ, "MCDAEMON_LIFELINE_FD": "2000"})
    wait_started(process)
    process.terminate()
    assert finish(process)[:2] == (0, STEPS)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare")
def test_stops_as_pid_1(start: Start) -> None:
    """Pid 1 has no default handlers: without its own, the SIGTERM would be dropped by the kernel."""
    process = start(prefix=("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"))
    words = wait_started(process)
    assert words[0] == "1"
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    os.kill(int(children), signal.SIGTERM)
    assert finish(process)[:2] == (0, STEPS)
