"""Resident memory of one item: the slope between two fills, so that what a process costs empty drops out."""

import socket

from benchmarks.contenders import Contender
from benchmarks.process import resident_bytes, running

_BATCH = 1000


def bytes_per_item(contender: Contender, key_size: int, value_size: int, first: int, last: int) -> float:
    """Resident bytes that each item between number `first` and `last` has cost."""
    with running(contender.command, 0) as (pid, port), socket.create_connection(("127.0.0.1", port), 10) as client:
        client.settimeout(120)
        fill(client, key_size, value_size, 0, first)
        before = resident_bytes(pid)
        fill(client, key_size, value_size, first, last)
        return (resident_bytes(pid) - before) / (last - first)


def fill(client: socket.socket, key_size: int, value_size: int, first: int, last: int) -> None:
    """Store the items of these numbers, and wait until they are."""
    value = b"x" * value_size
    for start in range(first, last, _BATCH):
        numbers = range(start, min(start + _BATCH, last))
        lines = [b"set %0*d 0 0 %d noreply\r\n%b\r\n" % (key_size, n, value_size, value) for n in numbers]
        client.sendall(b"".join(lines))
    client.sendall(b"version\r\n")
    client.recv(200)
