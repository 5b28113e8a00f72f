"""Resident memory: of one item, as the slope between two fills, and of a whole process whose cache is full."""

import socket
from collections.abc import Sequence

from benchmarks.contenders import Contender
from benchmarks.process import resident_bytes, running

MIXED = tuple(int(10 * 200 ** (n * 617 % 1009 / 1008)) for n in range(1009))
"""Value sizes from 10 bytes to 2 KB, as many in each octave, in a scattered order."""

_BATCH = 1000
_STORED = 1.5  # what is sent to fill a cache, in keys and values, as a share of its limit


def bytes_per_item(contender: Contender, key_size: int, values: Sequence[int], first: int, last: int) -> float:
    """Resident bytes that each item between number `first` and `last` has cost."""
    with running(contender.command, 0) as (pid, port), _client(port) as client:
        fill(client, key_size, values, 0, first)
        before = resident_bytes(pid)
        fill(client, key_size, values, first, last)
        return (resident_bytes(pid) - before) / (last - first)


def bytes_when_full(contender: Contender, key_size: int, values: Sequence[int], megabytes: int) -> int:
    """Resident bytes of a process that was told to hold `megabytes` and was sent half as much again."""
    items = int(_STORED * (megabytes << 20) / (key_size + sum(values) / len(values)))
    with running(contender.command, 0) as (pid, port), _client(port) as client:
        fill(client, key_size, values, 0, items)
        return resident_bytes(pid)


def fill(client: socket.socket, key_size: int, values: Sequence[int], first: int, last: int) -> None:
    """Store the items of these numbers, their value sizes in turn those of `values`, and wait until they are."""
    block = b"x" * max(values)
    for start in range(first, last, _BATCH):
        numbers = range(start, min(start + _BATCH, last))
        sizes = [values[number % len(values)] for number in numbers]
        lines = [
            b"set %0*d 0 0 %d noreply\r\n%b\r\n" % (key_size, number, size, block[:size])
            for number, size in zip(numbers, sizes, strict=True)
        ]
        client.sendall(b"".join(lines))
    client.sendall(b"version\r\n")
    client.recv(200)


def _client(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.settimeout(120)
    return client
