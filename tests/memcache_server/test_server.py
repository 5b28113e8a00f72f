"""The server as a process: where it listens, what it says, how it stops."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.memcache_server.serving import MEMCACHE_SERVER, USER, Raw, resident_mb, serving, stats, stored
from tests.support.processes import LOOPBACK, free_port, running
from tests.support.waiting import wait_until

VERSION = b"VERSION 1.6.42\r\n"


@contextmanager
def on_unix_socket(*options: str):
    """(path, process) of a server on a Unix socket."""
    with TemporaryDirectory(prefix="mcs-") as directory:
        path = str(Path(directory, "socket"))
        if "stale" in options:
            with socket.socket(socket.AF_UNIX) as gone:
                gone.bind(path)
        words = [word for word in options if word != "stale"]
        process = subprocess.Popen([*MEMCACHE_SERVER, *USER, "-s", path, *words], stderr=subprocess.PIPE, text=True)
        try:
            yield path, process
        finally:
            process.kill()
            process.communicate()


def answers(address: tuple[str, int] | str) -> bool:
    try:
        with Raw(address) as client:
            return client.ask(b"version\r\n") == VERSION
    except OSError:
        return False


class TestListening:
    @pytest.mark.parametrize(("options", "mode"), [((), 0o700), (("-a", "0660"), 0o660), (("stale",), 0o700)])
    def test_unix_socket(self, options: tuple[str, ...], mode: int) -> None:
        with on_unix_socket(*options) as (path, _):
            wait_until(lambda: answers(path), 10, "the Unix socket is served")
            assert stat.S_IMODE(Path(path).stat().st_mode) == mode
            assert stats(path, "settings")["domain_socket"] == path

    def test_unix_socket_alone_with_the_tcp_port_off(self) -> None:
        port = free_port()
        with on_unix_socket("-p", str(port)) as (path, process):
            wait_until(lambda: answers(path), 10, "the Unix socket is served")
            assert not answers((LOOPBACK, port))
            process.terminate()
            assert process.wait(10) == 0
        with on_unix_socket("-p", "0") as (path, _):
            wait_until(lambda: answers(path), 10, "the Unix socket is served")

    def test_several_addresses(self) -> None:
        other = free_port("127.0.0.2")
        with serving("-l", f"127.0.0.2:{other},[::1]", "-l", "127.0.0.3") as server:
            port = server.address[1]
            for address in (server.address, ("127.0.0.2", other), ("127.0.0.3", port)):
                assert answers(address)
            with socket.create_connection(("::1", port), 5) as client:
                client.sendall(b"version\r\n")
                assert client.recv(100) == VERSION
            assert not answers(("127.0.0.4", port))

    def test_every_address_without_l(self) -> None:
        with running(lambda port: [*MEMCACHE_SERVER, "-p", str(port), *USER]) as server:
            for host in (LOOPBACK, "::1"):
                with socket.create_connection((host, server.address[1]), 5) as client:
                    client.sendall(b"version\r\n")
                    assert client.recv(100) == VERSION

    def test_a_port_in_use(self) -> None:
        with serving() as server:
            port = str(server.address[1])
            words = [*MEMCACHE_SERVER, *USER, "-l", LOOPBACK, "-p", port]
            second = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
        assert second.returncode == 71
        assert second.stderr == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"

    @pytest.mark.parametrize("words", [("-l", "192.0.2.1"), ("-s", "/no/such/directory/socket"), ("-l", "1:2:x]")])
    def test_where_nobody_can_listen(self, words: tuple[str, ...]) -> None:
        done = subprocess.run(
            [*MEMCACHE_SERVER, *USER, *words], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 71
        assert len(done.stderr.splitlines()) == 1


class TestWhatItSays:
    def test_nothing_by_default(self) -> None:
        with serving() as server:
            stored(server.address, b"k", b"v")
            assert server.stderr == ""

    def test_root_without_a_user(self) -> None:
        with running(lambda port: [*MEMCACHE_SERVER, "-l", LOOPBACK, "-p", str(port)]) as server:
            assert answers(server.address)
            lines = server.stderr.splitlines()
        if os.geteuid() == 0:
            assert len(lines) == 1
            assert "root" in lines[0]
        else:
            assert lines == []

    def test_threads(self) -> None:
        with serving("-t", "4") as server:
            assert stats(server.address)["threads"] == "1"
            lines = server.stderr.splitlines()
        assert len(lines) == 1
        assert "-t 4: one process serves" in lines[0]
        with serving("-t", "1") as server:
            assert answers(server.address)
            assert server.stderr == ""

    def test_v(self) -> None:
        with serving("-v") as server:
            first = wait_until(lambda: server.stderr, 5, "it says where it listens")
        assert f"listening on 127.0.0.1:{server.address[1]}, 64 MB" in first

    def test_vv(self) -> None:
        with serving("-vv") as server:
            with Raw(server.address) as client:
                client.ask(b"set k 0 0 2\r\nab\r\n")
                client.ask(b"get k\r\n", b"END\r\n")
                client.ask(b"get \x1b[31m\r\n")
            said = server.stderr
        assert "slab class   1: chunk size        96 perslab   10922" in said
        for line in ("set k 0 0 2", "get k", "get \\x1b[31m"):
            assert any(text.startswith("<") and text.endswith(f" {line}") for text in said.splitlines())
        assert [text.split(" ", 1)[1] for text in said.splitlines() if text.startswith(">")] == [
            "STORED", "VALUE k 0 2", "ab", "END", "END",
        ]  # fmt: skip
        assert "\x1b" not in said

    def test_json(self) -> None:
        with serving("-t", "2", "--log-format", "json") as server:
            assert '"level": "warning"' in wait_until(lambda: server.stderr, 5, "a line")

    def test_more_connections_than_descriptors(self) -> None:
        def command(port: int) -> list[str]:
            words = " ".join([*MEMCACHE_SERVER, *USER, "-l", LOOPBACK, "-p", str(port), "-c", "300"])
            return ["sh", "-c", f"ulimit -Sn 100; ulimit -Hn {hard}; exec {words}"]

        hard = 400
        with running(command) as server:
            clients = [Raw(server.address) for _ in range(250)]
            assert all(client.ask(b"version\r\n") == VERSION for client in clients)
            assert server.stderr == ""
            for client in clients:
                client.close()
        hard = 200
        with running(command) as server:
            assert answers(server.address)
            assert "-c 300: the limit of open files (ulimit -n) does not allow so many" in server.stderr


class TestStopping:
    @contextmanager
    def process(self, *options: str):
        port = free_port()
        words = [*MEMCACHE_SERVER, *USER, "-l", LOOPBACK, "-p", str(port), *options]
        process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: answers((LOOPBACK, port)), 15, "it serves")
            yield (LOOPBACK, port), process
        finally:
            process.kill()
            process.communicate()

    def test_idle_clients_are_closed_at_once(self) -> None:
        with self.process() as (address, process), Raw(address) as idle:
            assert idle.ask(b"version\r\n") == VERSION
            process.terminate()
            assert idle.read_all() == b""
            assert process.wait(3) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""

    def test_a_half_sent_value_is_waited_for_and_then_closed(self) -> None:
        with self.process("--drain", "20") as (address, process), Raw(address) as client, Raw(address) as half:
            client.send(b"set k 0 0 10\r\n12345")
            half.send(b"get ")
            stats(address)  # so both have been read
            process.terminate()
            wait_until(lambda: not answers(address), 5, "nothing new is accepted")
            assert client.send(b"67890\r\n").read_all() == b"STORED\r\n"
            assert half.send(b"k\r\n").read_all() == b"VALUE k 0 10\r\n1234567890\r\nEND\r\n"
            assert process.wait(5) == 0

    def test_unread_replies_are_sent(self) -> None:
        with self.process("--drain", "20") as (address, process), Raw(address, slow=True) as client:
            stored(address, b"big", b"v" * 1_000_000)
            client.send(b"get big big big big big big big big\r\n")
            assert client.socket.recv(1) == b"V"
            process.terminate()
            wait_until(lambda: not answers(address), 5, "nothing new is accepted")
            text = b"VALUE big 0 1000000\r\n" + b"v" * 1_000_000 + b"\r\n"
            assert client.read_all() == (text * 8)[1:] + b"END\r\n"
            assert process.wait(5) == 0

    def test_the_deadline_ends_it(self) -> None:
        with self.process("--drain", "0.3") as (address, process), Raw(address) as client:
            client.send(b"set k 0 0 10\r\n12345")
            stats(address)
            process.terminate()
            assert client.read_all() == b""
            assert process.wait(5) == 0
            assert process.stderr is not None
            assert "still in flight after 0.3 s are dropped" in process.stderr.read()

    def test_a_second_signal_ends_it_at_once(self) -> None:
        with self.process("--drain", "60") as (address, process), Raw(address) as client:
            client.send(b"set k 0 0 10\r\n12345")
            stats(address)
            process.send_signal(signal.SIGINT)
            wait_until(lambda: not answers(address), 5, "it stops")
            process.terminate()
            assert process.wait(5) == 0
            assert client.read_all() == b""

    def test_hangup_changes_nothing(self) -> None:
        with self.process() as (address, process), Raw(address) as client:
            assert client.ask(b"version\r\n") == VERSION
            process.send_signal(signal.SIGHUP)
            time.sleep(0.05)
            assert client.ask(b"version\r\n") == VERSION
            process.send_signal(signal.SIGUSR1)
            assert process.wait(5) == 0


class TestMemory:
    LIMIT_MB = 64 * 1.1 + 45

    @pytest.mark.parametrize("size", [2000, 20_000, 300_000, 700_000, 0], ids=lambda size: str(size or "mixed"))
    def test_filled_over_and_over(self, size: int) -> None:
        with serving("-m", "64") as server, Raw(server.address) as client:
            sent, number = 0, 0
            while sent < (2 if size == 2000 else 3) * 64 << 20:
                part = bytearray()
                while len(part) < 1 << 20:
                    number += 1
                    length = size or 2 ** (4 + number % 16) + number % 1000
                    part += b"set key-%d 0 0 %d noreply\r\n%b\r\n" % (number, length, b"x" * length)
                sent += len(part)
                assert client.ask(bytes(part) + b"version\r\n") == VERSION
            assert resident_mb(server.pid) <= self.LIMIT_MB
            seen = stats(server.address)
            assert int(seen["evictions"]) + int(seen["curr_items"]) == int(seen["total_items"]) == number
            assert int(seen["bytes"]) <= int(seen["limit_maxbytes"]) == 64 << 20
            assert int(stats(server.address, "slabs")["total_malloced"]) <= 64 << 20
            last = client.ask(b"get key-%d\r\n" % number, b"END\r\n")
            assert last.startswith(b"VALUE key-%d 0 " % number)

    def test_without_evictions(self) -> None:
        with serving("-m", "4", "-M") as server, Raw(server.address) as client:
            store = b"set key-%d 0 0 500000\r\n" + b"x" * 500_000 + b"\r\n"
            replies = [client.ask(store % number) for number in range(9)]
            assert replies == [b"STORED\r\n"] * 8 + [b"SERVER_ERROR out of memory storing object\r\n"]
            assert client.ask(b"get key-0\r\n", b"END\r\n").startswith(b"VALUE key-0")
            seen = stats(server.address)
            assert (seen["evictions"], seen["store_no_memory"], seen["curr_items"]) == ("0", "1", "8")

    def test_items_of_eight_megabytes(self) -> None:
        with serving("-m", "64", "-I", "8m") as server, Raw(server.address) as client:
            value = bytes(range(256)) * 20_000
            for number in range(30):
                assert client.ask(b"set key-%d 7 0 %d\r\n%b\r\n" % (number, len(value), value)) == b"STORED\r\n"
            assert client.ask(b"get key-29\r\n", b"END\r\n") == (
                b"VALUE key-29 7 %d\r\n%b\r\nEND\r\n" % (len(value), value)
            )
            assert 0 < int(stats(server.address)["evictions"]) < 30
            assert client.ask(b"set key-29 0 0 %d\r\n%b\r\n" % (8 << 20, bytes(8 << 20))) == (
                b"SERVER_ERROR object too large for cache\r\n"
            )
            assert client.ask(b"get key-29\r\n") == b"END\r\n"


def test_seconds_pass() -> None:
    with serving() as server, Raw(server.address) as client:
        client.ask(b"set a 0 2 1\r\n1\r\n")
        client.ask(b"set b 0 10 1\r\n1\r\n")
        assert client.ask(b"get a\r\n", b"END\r\n") == b"VALUE a 0 1\r\n1\r\nEND\r\n"
        wait_until(lambda: client.ask(b"get a\r\n", b"END\r\n") == b"END\r\n", 4, "the item has expired")
        assert client.ask(b"get b\r\n", b"END\r\n").startswith(b"VALUE b")
