"""Replies around the length from which on a value is sent from where it lies."""

from __future__ import annotations

import pytest

from tests.memcache_server.serving import Raw, serving, stats


@pytest.mark.parametrize("key", [b"k", b"k" * 250])
def test_every_command_at_every_length(key: bytes) -> None:
    with serving("-m", "64") as server, Raw(server.address) as client:
        for length in [*range(65_240, 65_300, 7), *range(65_500, 65_545)]:
            value = b"v" * length
            client.send(b"set %b 0 0 %d\r\n%b\r\n" % (key, length, value))
            assert client.read_until(b"\r\n") == b"STORED\r\n"
            block = b"VALUE %b 0 %d\r\n%b\r\n" % (key, length, value)
            assert client.ask(b"get %b\r\n" % key, b"END\r\n") == block + b"END\r\n"
            assert client.ask(b"gat 0 %b\r\n" % key, b"END\r\n") == block + b"END\r\n"
            said = client.ask(b"mg %b v s\r\nmn\r\n" % key, b"MN\r\n")
            assert said == b"VA %d s%d\r\n%b\r\nMN\r\n" % (length, length, value)
            assert client.ask(b"gets %b\r\n" % key, b"END\r\n").endswith(b"\r\n" + value + b"\r\nEND\r\n")
        client.send(b"delete %b\r\n" % key).read_until(b"\r\n")
        assert {n for name, n in stats(server.address, "slabs").items() if name.endswith(":used_chunks")} == {"0"}
