"""What a server costs beside requests: idle, at its start, and when it is asked for its counters."""

import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.contenders import MEASURED_CORE, Contender
from benchmarks.load import Clients, connect, preload, receive, stats
from benchmarks.measure import Started
from benchmarks.process import cpu_seconds, free_port, running, tree

_SETTLE_S = 3  # until the maintainers find nothing more to do
_CONNECTIONS = 50
_VERSION = b"version\r\n"
_ASKED = 200


def idle(started: list[Started], seconds: float) -> dict[str, tuple[float, float]]:
    """By contender: CPU milliseconds, and wake-ups, of a second in which nobody asks; with open connections."""
    with ExitStack() as stack:
        for _, _, port in started:
            stack.enter_context(Clients(port, _CONNECTIONS))
        time.sleep(_SETTLE_S)
        before = {contender.name: (cpu_seconds(pid), wake_ups(pid)) for contender, pid, _ in started}
        time.sleep(seconds)
        after = {contender.name: (cpu_seconds(pid), wake_ups(pid)) for contender, pid, _ in started}
    return {
        name: ((after[name][0] - cpu) * 1e3 / seconds, (after[name][1] - waken) / seconds)
        for name, (cpu, waken) in before.items()
    }


def wake_ups(pid: int) -> int:
    """How often the threads of the process and its children have gone to sleep of their own accord."""
    total = 0
    for process in tree(pid):
        for task in Path(f"/proc/{process}/task").iterdir():
            text = (task / "status").read_text()
            total += int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    return total


def first_reply_seconds(contenders: list[Contender], times: int, show: Callable[[str], None]) -> dict[str, float]:
    """By contender: from the start of its process to the reply to `version`; the median of so many starts in turn."""
    found: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(times):
        for contender in contenders:
            show(f"start {number + 1} of {times}, {contender.name}")
            began = time.perf_counter()
            with running(contender.command, MEASURED_CORE) as (_, port), connect(port) as client:
                client.sendall(_VERSION)
                receive(client, 1)
                found[contender.name].append(time.perf_counter() - began)
    return {name: median(seconds) for name, seconds in found.items()}


def stats_us(started: list[Started]) -> dict[str, float]:
    """By contender: CPU microseconds of one `stats`."""
    found = {}
    for contender, pid, port in started:
        with connect(port) as client:
            before = cpu_seconds(pid)
            for _ in range(_ASKED):
                stats(client)
            found[contender.name] = (cpu_seconds(pid) - before) / _ASKED * 1e6
    return found


def scrape_ms(contender: Contender, keys: int, value: int) -> dict[str, float]:
    """CPU milliseconds of one scrape of our /metrics, with so many items stored."""
    admin = free_port()
    command = f"{contender.command} --admin 127.0.0.1:{admin}"
    with running(command, MEASURED_CORE) as (pid, port):
        preload(port, keys, value)
        time.sleep(_SETTLE_S)
        _scrape(admin)
        before = cpu_seconds(pid)
        for _ in range(_ASKED // 10):
            _scrape(admin)
        return {contender.name: (cpu_seconds(pid) - before) / (_ASKED // 10) * 1e3}


def _scrape(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        assert b"memcached_" in reply.read()
