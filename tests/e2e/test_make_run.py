"""`make run`: a whole cluster by one command, and nothing of it left behind however it ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymemcache.client.base import Client

from tests.e2e.local_cluster import children, is_running
from tests.support.processes import LOOPBACK, free_port
from tests.support.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
START_S, STOP_S = 15.0, 10.0
NOT_IN_A_POD = "mcproxy: no servers given (--upstream or --config), and no embedded cluster inside a pod\n"


def command_of_make_run() -> list[str]:
    """What `make run` runs last, with the Python that runs this."""
    command = ["make", "--dry-run", "--no-print-directory", "run"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of `make test`
    printed = subprocess.run(
        command, cwd=REPOSITORY, env=clean, capture_output=True, text=True, timeout=30, check=True
    )
    words = shlex.split(printed.stdout.strip().splitlines()[-1])
    assert words == [".venv/bin/python", "-m", "mcproxy", "--listen", "5000"]
    return [sys.executable, *words[1:]]


def on_port(command: list[str], port: int) -> list[str]:
    return [str(port) if word == "5000" else word for word in command]


class Run:
    """`make run` on other ports."""

    def __init__(self) -> None:
        self.port, self.admin_port = free_port(), free_port()
        command = [*on_port(command_of_make_run(), self.port), "--admin", f"{LOOPBACK}:{self.admin_port}"]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.readyz().startswith("ready: "), START_S, "the cluster is ready")
        self.servers = children(self.process.pid)

    def readyz(self) -> str:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.admin_port}/readyz", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    started = Run()
    yield started
    started.process.kill()
    started.process.wait()


def test_it_serves_and_says_what_it_is(run: Run) -> None:
    assert len(run.servers) == 3
    client = Client((LOOPBACK, run.port))
    for number in range(100):
        client.set(f"key{number}", f"value{number}")
    keys = [f"key{number}" for number in range(100)]
    assert client.get_many(keys) == {key: key.replace("key", "value").encode() for key in keys}
    assert client.version().endswith(b"(embedded cluster of 3)")
    assert "embedded cluster: 3 servers of 64 MB" in run.readyz()
    assert client.stats()[b"num_servers"] == 3
    assert client.stats()[b"num_servers_up"] == 3
    for name in client.stats("servers"):
        host, port = name.decode().split(":")[:2]
        server = Client((host, int(port)))
        assert server.stats()[b"curr_items"] > 0
        assert server.stats("settings")[b"maxbytes"] == 64 << 20
        server.close()
    client.close()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_takes_its_servers_along(run: Run, stop: signal.Signals) -> None:
    run.process.send_signal(stop)
    assert run.process.wait(STOP_S) == 0
    assert [pid for pid in run.servers if is_running(pid)] == []


def test_killed_it_takes_its_servers_along(run: Run) -> None:
    run.process.kill()
    run.process.wait(STOP_S)
    wait_until(lambda: not any(map(is_running, run.servers)), STOP_S, "the servers are gone")


def test_in_a_pod_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    command = on_port(command_of_make_run(), free_port())
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=START_S, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (3, "", NOT_IN_A_POD)
