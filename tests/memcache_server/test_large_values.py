"""Values of many pages, through the server and back, within the bound of the whole process."""

from __future__ import annotations

import random
import socket

import pytest

from tests.memcache_server.serving import resident_mb, serving

MB = 1 << 20


@pytest.mark.soak
@pytest.mark.timeout(300)
@pytest.mark.parametrize("size_mb", [64, 300])
def test_a_value_of_many_pages(size_mb: int) -> None:
    value = random.Random(size_mb).randbytes(MB) * size_mb
    with serving("-I", "512m", "-m", "1024") as server, socket.create_connection(server.address) as client:
        before = resident_mb(server.pid)
        client.sendall(b"set large 7 0 %d\r\n" % len(value))
        client.sendall(value)
        client.sendall(b"\r\n")
        with client.makefile("rb") as replies:
            assert replies.readline() == b"STORED\r\n"
            client.sendall(b"get large\r\nmn\r\n")
            assert replies.readline() == b"VALUE large 7 %d\r\n" % len(value)
            assert replies.read(len(value)) == value
            assert [replies.readline() for _ in range(3)] == [b"\r\n", b"END\r\n", b"MN\r\n"]
        assert resident_mb(server.pid) < before + size_mb * 1.02 + 16
