"""Where the server listens, what it tells of it, and when it stops accepting."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from mcdaemon.sockets import Address
from memcache_server.listeners import Listeners, Place, parse_place
from memcache_server.settings import Settings
from tests.memcache_server.serving import MEMCACHE_SERVER, Raw, serving, stats
from tests.support.processes import LOOPBACK
from tests.support.waiting import wait_until


@pytest.mark.parametrize(
    ("text", "tls", "place"),
    [
        ("10.0.0.1", False, Place(Address("10.0.0.1", 5), False)),
        ("proto[ascii]:10.0.0.1:7", False, Place(Address("10.0.0.1", 7), False)),
        ("tag[b]:[::1]:7", True, Place(Address("::1", 7), True)),
        ("notls:10.0.0.1:7", True, Place(Address("10.0.0.1", 7), False)),
        ("proto[ascii]:tag[12345678]:*:7", False, Place(Address("", 7), False)),
        (":7", False, Place(Address("", 7), False)),
    ],
)
def test_parse_place(text: str, tls: bool, place: Place) -> None:
    assert parse_place(text, 5, tls) == place


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("notls:1.2.3.4", "only when SSL"),
        ("proto[binary]:1.2.3.4", "binary"),
        ("tag[]:1.2.3.4", "1 and 8"),
        ("tag[123456789]:1.2.3.4", "1 and 8"),
    ],
)
def test_parse_place_refuses(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_place(text, 5)


def test_any_port_is_told_in_a_file(tmp_path: Path) -> None:
    ports, pid = tmp_path / "ports", tmp_path / "pid"
    words = [*MEMCACHE_SERVER, "-u", "root", "-p", "-1", "-l", "tag[x]:127.0.0.1,proto[ascii]:[::1]", "-P", str(pid)]
    process = subprocess.Popen(words, env={"MEMCACHED_PORT_FILENAME": str(ports)}, cwd=Path.cwd())
    try:
        wait_until(pid.exists, 10, "the pid file is there")
        assert int(pid.read_text()) == process.pid
        found = re.fullmatch(r"TCP INET: (\d+)\nTCP INET6: (\d+)\n", ports.read_text())
        assert found is not None
        assert stats((LOOPBACK, int(found[1])), "settings")["tcpport"] == found[1]
    finally:
        process.terminate()
        assert process.wait(10) == 0
    assert not pid.exists()


@pytest.mark.memcached
@pytest.mark.parametrize(
    "words",
    [
        "-p -1 -l 127.0.0.1",
        "-p -1 -l 127.0.0.1 -l 127.0.0.2",
        "-p -1 -l 127.0.0.1,,[::1]",
        "-p -1 -l tag[abc]:127.0.0.1",
        "-p 0 -l 127.0.0.1",
        "-s {}/socket",
    ],
)
def test_the_file_of_ports_beside_the_original(tmp_path: Path, words: str) -> None:
    told = []
    for name, program in (("theirs", ["memcached", "-U", "0"]), ("ours", MEMCACHE_SERVER)):
        ports, pid = tmp_path / f"{name}-ports", tmp_path / f"{name}-pid"
        environment = {**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)}
        command = [*program, "-u", "root", "-P", str(pid), *words.format(tmp_path).split()]
        process = subprocess.Popen(command, env=environment)
        try:
            wait_until(pid.exists, 15, "the pid file is there")
            told.append(re.sub(r": \d+", ": N", ports.read_text()) if ports.exists() else None)
        finally:
            process.terminate()
            assert process.wait(10) == 0
    assert told[1] == told[0]


def test_a_mark_for_packet_filters(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(listen=("127.0.0.1",), port=-1, extended=("sock_cookie_id=3000000000",))
    listeners = Listeners(settings, asyncio.Protocol, None)
    listeners.open()
    try:
        mark = listeners.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_MARK) & 0xFFFF_FFFF
    finally:
        listeners.close()
    allowed = mark == 3_000_000_000
    assert allowed or "sock_cookie_id=3000000000: without effect" in caplog.text


def test_no_maxconns_fast_waits() -> None:
    with serving("-c", "3", "-o", "no_maxconns_fast") as server:
        first, second, third = (Raw(server.address) for _ in range(3))
        for client in (first, second, third):
            assert client.ask(b"version\r\n").startswith(b"VERSION")
        with Raw(server.address) as waiting:
            waiting.send(b"version\r\n")
            lines = third.ask(b"stats\r\n", b"END\r\n")
            assert b"STAT accepting_conns 0\r\n" in lines
            assert b"STAT curr_connections 3\r\n" in lines
            first.close()
            assert waiting.read_until(b"\r\n").startswith(b"VERSION")
            second.close()
            third.close()
            wait_until(lambda: waiting.ask(b"stats\r\n", b"END\r\n").count(b"accepting_conns 1"), 5, "it accepts")
            seen = stats(server.address)
            assert int(seen["listen_disabled_num"]) >= 1
            assert int(seen["time_in_listen_disabled_us"]) > 0
            assert seen["rejected_connections"] == "0"
