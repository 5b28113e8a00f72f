"""What a process and its children cost, read from /proc; and starting the contenders."""

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NS = 1e9
_PAGE = os.sysconf("SC_PAGE_SIZE")
_START_S = 10.0
_STOP_S = 0.3


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of all processes of the tree.

    The first field of each task's schedstat: the process's own file would show its first thread only, which
    for memcached does nothing.
    """
    return _schedstat(pid, 0)


def waiting_seconds(pid: int) -> float:
    """Time for which the threads of the tree could have run, but somebody else had their core."""
    return _schedstat(pid, 1)


def _schedstat(pid: int, field: int) -> float:
    total = 0
    for process in tree(pid):
        with suppress(OSError):
            for task in Path(f"/proc/{process}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[field])
    return total / _NS


def resident_bytes(pid: int) -> int:
    """Resident memory of the tree."""
    total = 0
    for process in tree(pid):
        with suppress(OSError):
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    return total


def free_port() -> int:
    """A TCP port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: str, core: int, port: int | None = None) -> Iterator[tuple[int, int]]:
    """Run `command` ({port} filled in) on one core until the block ends; gives (pid, port). RuntimeError if dead."""
    port = port or free_port()
    words = ["taskset", "-c", str(core), *shlex.split(command.format(port=port, stats_port=free_port()))]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _wait_until_accepting(process, port)
        yield process.pid, port
    finally:
        _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask, then kill with all children: memcached takes a second to end, and holds nothing worth waiting for."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        for member in tree(process.pid):
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        process.wait()
    if process.stderr:
        process.stderr.close()


def _wait_until_accepting(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            errors = process.stderr.read().decode() if process.stderr else ""
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {errors}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.001)
    raise RuntimeError(f"{process.args!r} does not accept connections")
