"""Server processes for tests: started on a free loopback port, ready when they accept, always stopped."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
START_SECONDS = 15.0
STOP_SECONDS = 5.0
PORT_TRIES = 5

Address = tuple[str, int]
CommandLine = Callable[[int], Sequence[str]]  # port -> argv


class StartError(RuntimeError):
    """A server ended, or did not accept connections, before it was usable; carries its stderr."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, its process id and the file its stderr goes to."""

    address: Address
    pid: int
    stderr_path: Path

    @property
    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="replace")


def free_port(host: str = LOOPBACK) -> int:
    """A TCP port nobody listens on now. Another process may take it: starters retry."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def memcached_command(port: int, *options: str) -> list[str]:
    """The original: one thread, no UDP, memory enough that nothing is evicted."""
    program = shutil.which("memcached") or "/usr/bin/memcached"
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    return [program, "-l", LOOPBACK, "-p", str(port), "-U", "0", "-m", "256", "-t", "1", *user, *options]


def memcache_server_command(port: int, *options: str) -> list[str]:
    """Ours, with the same settings."""
    module = [sys.executable, "-m", "memcache_server"]
    return [*module, "-l", LOOPBACK, "-p", str(port), "-U", "0", "-m", "256", "-t", "1", "-u", "nobody", *options]


def accepts(address: Address) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True


def _wait_until_accepting(process: subprocess.Popen[bytes], server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not accepts(server.address):
        if process.poll() is not None:
            raise StartError(f"exit status {process.returncode}: {server.stderr}")
        if time.monotonic() > deadline:
            raise StartError(f"accepts no connection after {START_SECONDS} s: {server.stderr}")
        time.sleep(0.01)


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert isinstance(process.args, list)
    if Path(process.args[0]).name == "memcached":
        process.kill()  # the original takes a second to end when it is asked to, thousands of times
    else:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(
    command: CommandLine,
    *,
    host: str = LOOPBACK,
    port: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """Run `command(port)`, listening on `host`, until the block ends. Raises StartError when it does not come up.

    Without a `port` a free one is found. A program that then ends at once is tried again on another, since the
    first may have been taken.
    """
    environment = {**os.environ, **(env or {})}
    with tempfile.TemporaryDirectory(prefix="mcfleet-test-") as scratch:
        stderr_path = Path(scratch, "stderr")
        for last_try in [port is not None] + [False] * (PORT_TRIES - 2) + [True]:
            chosen = port or free_port(host)
            with stderr_path.open("wb") as stderr:
                process = subprocess.Popen(
                    command(chosen), stdout=subprocess.DEVNULL, stderr=stderr, env=environment, cwd=cwd
                )
            server = Server((host, chosen), process.pid, stderr_path)
            try:
                _wait_until_accepting(process, server)
            except StartError:
                _stop(process)
                if last_try or "in use" not in server.stderr.lower():
                    raise
                continue
            try:
                yield server
            finally:
                _stop(process)
            return
