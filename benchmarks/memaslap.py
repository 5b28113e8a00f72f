"""A second opinion on throughput: libmemcached's load generator, in C, 9 gets to 1 set over 50 connections."""

import re
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.contenders import LOAD_CORE
from benchmarks.load import stat
from benchmarks.measure import Started
from benchmarks.process import cpu_seconds

PROGRAM = "memcaslap"  # Debian's name for it
_CONNECTIONS, _VALUE = 50, 100
_SPEED = re.compile(r"TPS: (\d+)")


@dataclass(frozen=True)
class Opinion:
    """Of one run: operations a second as memaslap counts them, and the server's CPU time of one."""

    per_s: float
    cpu_us: float


def available() -> bool:
    """Whether it is installed (package libmemcached-tools)."""
    return shutil.which(PROGRAM) is not None


def run(server: Started, seconds: int) -> Opinion:
    """Play to one server. CPU time is shared among all requests it counted, those that fill it before the run too."""
    _, pid, port = server
    before, cpu = _requests(port), cpu_seconds(pid)
    text = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), PROGRAM, "-s", f"127.0.0.1:{port}", "-t", f"{seconds}s", "-T", "1",
         "-c", str(_CONNECTIONS), "-X", str(_VALUE), "-w", "1k"],
        capture_output=True, text=True, timeout=seconds + 60, check=True,
    ).stdout  # fmt: skip
    return Opinion(speed(text), (cpu_seconds(pid) - cpu) / (_requests(port) - before) * 1e6)


def speed(text: str) -> float:
    """Operations a second out of what it printed; ValueError if they are not there."""
    if found := _SPEED.search(text):
        return float(found[1])
    raise ValueError(f"no TPS in what {PROGRAM} printed: {text[-200:]!r}")


def _requests(port: int) -> int:
    return stat(port, b"cmd_get") + stat(port, b"cmd_set")
