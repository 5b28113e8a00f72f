"""`python -m benchmarks.single_flight`: what --single-flight saves where many clients want the same at one time.

One memcached, one proxy with and one without, in turns. Every client waits for its reply before it asks again.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from benchmarks.contenders import LOAD_CORE, MEASURED_CORE
from benchmarks.load import Clients, ClosedLoop, preload, stat
from benchmarks.process import cpu_seconds, running
from benchmarks.workloads import Ask, Workload, key

_CLIENTS = 50
_KEYS = 20
_MEMCACHED = "memcached -u nobody -t 1 -m 256 -l 127.0.0.1 -U 0 -p {port}"
_PROXY = sys.executable + " -m mcproxy --listen 127.0.0.1:{{port}} --upstream 127.0.0.1:{}{}"


@dataclass(frozen=True)
class Row:
    """Every client asks for the same keys, with values of `size` bytes."""

    name: str
    keys: int
    size: int

    def workload(self) -> Workload:
        """The one request, over and over."""
        request = b"get %b\r\n" % b" ".join(map(key, range(self.keys)))
        blocks = sum(
            len(b"VALUE %b 0 %d\r\n\r\n" % (key(number), self.size)) + self.size for number in range(self.keys)
        )
        ask: Ask = (request, blocks + len(b"END\r\n"))
        return Workload(_CLIENTS, self.keys, [ask])


ROWS = (
    Row("one key, 20 KB", 1, 20_000),
    Row("one key, 100 B", 1, 100),
    Row(f"{_KEYS} keys in a get, 1 KB", _KEYS, 1_000),
)


@dataclass(frozen=True)
class Sample:
    """Of one round, for one key asked for by a client."""

    per_s: float
    sent: float  # keys that the server was asked for
    proxy_us: float
    server_us: float


def measure(proxy: tuple[int, int], server: tuple[int, int], row: Row, seconds: float) -> Sample:
    """One round through a proxy; both are (process id, port)."""
    with Clients(proxy[1], _CLIENTS) as clients:
        loop = ClosedLoop(clients, proxy[0], row.workload())
        loop.round(seconds / 4, 0)
        asked, spent = stat(server[1], b"cmd_get"), cpu_seconds(server[0])
        sample = loop.round(seconds, 0)
        keys = sample.per_s * seconds
        spent, asked = cpu_seconds(server[0]) - spent, stat(server[1], b"cmd_get") - asked
    return Sample(sample.per_s, asked / keys, sample.cpu_us, spent / keys * 1e6)


def shown(row: Row, name: str, samples: Sequence[Sample]) -> str:
    """A line of the table: medians of the rounds."""
    per_s, sent, proxy_us, server_us = (
        median(getattr(sample, field) for sample in samples) for field in ("per_s", "sent", "proxy_us", "server_us")
    )
    return f"| {row.name} | {name} | {per_s:,.0f} | {100 * sent:.1f} % | {proxy_us:.1f} | {server_us:.1f} |"


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.single_flight", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a round")
    options = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    print("| every client asks for | --single-flight | keys/s | sent | proxy µs/key | memcached µs/key |")
    print("|---|---|---|---|---|---|")
    with ExitStack() as stack:
        server = stack.enter_context(running(_MEMCACHED, LOAD_CORE))
        proxies = {
            name: stack.enter_context(
                running(_PROXY.format(server[1], " --single-flight" if name == "on" else ""), MEASURED_CORE)
            )
            for name in ("off", "on")
        }
        for row in ROWS:
            preload(server[1], row.keys, row.size)
            samples: dict[str, list[Sample]] = {name: [] for name in proxies}
            for _ in range(options.rounds):
                for name, proxy in proxies.items():
                    samples[name].append(measure(proxy, server, row, options.seconds))
            for name, taken in samples.items():
                print(shown(row, name, taken), flush=True)


if __name__ == "__main__":
    main()
