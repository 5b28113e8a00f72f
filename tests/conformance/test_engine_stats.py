"""With LRU maintainer and crawler at work, as by default, the two engines report the same after the same requests.

The background work of both goes by the clock, in whole seconds. So the servers' seconds are made to begin together,
and what is compared is the median of several runs. Pages stay where they are: Debian's memcached waits three times as
long as later versions before it moves one, and drops what is in it.
"""

from __future__ import annotations

import random
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from statistics import median

import pytest

from benchmarks.hits import Application, play
from benchmarks.traces import BATCH, Batches, Population
from tests.support.processes import Server, memcache_server_command, memcached_command, running

MEGABYTES = 64
FLAGS = ("-m", str(MEGABYTES), "-o", "slab_automove=0")
RUNS, SECONDS, RATE = 5, 47, 15_000
TIMES_TO_LIVE = (0, 0, 0, 0, 0, 0, 8, 20)  # seconds, each for its share of the keys
WARM_UP = 200  # batches before the counters start: either maintainer may first sleep for up to a second
TOLERANCE = 0.02
FEW = 50  # a difference of so many events, in all classes together, is chance

Totals = dict[str, float]
RACES = {
    "lrutail_reflocked": "counts how often two threads of the original met at an item",
    "evicted_time": "is the last evicted item's alone",
    "evicted_active": "counts items hit while they were being evicted",
}


def requests(seed: int) -> Batches:
    rng = random.Random(seed)
    population = Population(b"item", 4 * MEGABYTES << 20, 0.99, (200, 2000))
    return (population.pick(rng, BATCH, ttls=TIMES_TO_LIVE) for _ in range(RATE * SECONDS // BATCH))


@contextmanager
def servers() -> Iterator[tuple[Server, Server]]:
    """Ours and the original, which reads the clock once a second from its start on: so it starts with one of ours."""
    with running(lambda port: memcache_server_command(port, *FLAGS)) as ours:
        uptime = reported(ours, b"")["uptime"]
        while reported(ours, b"")["uptime"] == uptime:
            time.sleep(0.005)
        with running(lambda port: memcached_command(port, *FLAGS)) as original:
            time.sleep(0.5)  # what is asked begins and ends far from where a second does
            yield ours, original


def reported(server: Server, word: bytes) -> dict[str, str]:
    with socket.create_connection(server.address) as connection, connection.makefile("rb") as lines:
        connection.sendall(b"stats %b\r\n" % word if word else b"stats\r\n")
        found = {}
        while (line := lines.readline()) != b"END\r\n":
            _, name, value = line.decode().split(None, 2)
            found[name] = value.strip()
        return found


def reset(server: Server) -> bytes:
    """Counters back to 0; the reply."""
    with socket.create_connection(server.address) as connection, connection.makefile("rb") as lines:
        connection.sendall(b"stats reset\r\n")
        return lines.readline()


def totals(server: Server) -> Totals:
    """Every number of `stats items` and `stats slabs`, added up over the classes; ages are their mean."""
    found, classes = defaultdict[str, float](float), set[str]()
    for word in (b"items", b"slabs"):
        for name, value in reported(server, word).items():
            *of_a_class, field = name.split(":")
            found[f"{word.decode()} {field}"] += int(value)
            classes.update(of_a_class[-1:] if word == b"slabs" else ())
    return {name: value / len(classes) if " age" in name else value for name, value in found.items()}


def differences(runs: list[tuple[Totals, Totals]]) -> dict[str, str]:
    """What the medians of ours and of the original differ in by more than the tolerance."""
    found = {}
    for name in runs[0][1]:
        if name.split()[1] in RACES:
            continue
        ours = median(mine.get(name, 0) for mine, _ in runs)
        original = median(theirs.get(name, 0) for _, theirs in runs)
        allowed = max(TOLERANCE * original, 1 if " age" in name else 0 if "pages" in name else FEW)
        if abs(ours - original) > allowed:
            found[name] = f"{ours:.1f}, the original {original:.1f}: {(ours - original) / (original or 1):+.1%}"
    return found


@pytest.mark.soak
@pytest.mark.memcached
@pytest.mark.timeout(RUNS * SECONDS * 4)
def test_the_engines_report_the_same() -> None:
    runs = []
    for seed in range(RUNS):
        with servers() as (ours, original):
            clients = {"ours": Application(ours.address[1]), "original": Application(original.address[1])}
            try:
                batches = requests(seed)
                play(islice(batches, WARM_UP), clients, RATE)
                assert reset(ours) == reset(original) == b"RESET\r\n"
                play(batches, clients, RATE)
                runs.append((totals(ours), totals(original)))
            finally:
                for client in clients.values():
                    client.close()
    assert all(theirs["items evicted"] > 1000 and theirs["items reclaimed"] > 1000 for _, theirs in runs)
    assert differences(runs) == {}
