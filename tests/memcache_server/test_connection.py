"""Connections that misbehave, end early or ask for much, against a real process."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from tests.memcache_server.serving import Raw, resident_mb, serving, stats, stored
from tests.support.processes import Server
from tests.support.waiting import wait_until

VERSION = b"VERSION 1.6.42\r\n"
VALUE = b"v" * 1_000_000
HIT = b"VALUE big 0 1000000\r\n" + VALUE + b"\r\nEND\r\n"
BINARY_GET = struct.pack(">BBHBBHIIQ", 0x80, 0x0A, 0, 0, 0, 0, 0, 0x01020304, 0)
BINARY_TEXT = b"binary protocol not supported, use text"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("-m", "64") as running_server:
        stored(running_server.address, b"big", VALUE)
        yield running_server


@pytest.fixture
def witness(server: Server) -> Iterator[Raw]:
    """A client that must be served whatever the others do."""
    with Raw(server.address) as client:
        assert client.ask(b"version\r\n") == VERSION
        yield client
        assert client.ask(b"version\r\n") == VERSION
    wait_until(lambda: stats(server.address)["curr_connections"] == "1", 10, "all other connections are closed")
    assert "Traceback" not in server.stderr
    assert " error " not in server.stderr


class TestOtherProtocols:
    def test_binary_gets_one_refusal(self, server: Server, witness: Raw) -> None:
        with Raw(server.address) as client:
            reply = client.send(BINARY_GET).read_all()
        header = struct.unpack(">BBHBBHIIQ", reply[:24])
        assert header == (0x81, 0x0A, 0, 0, 0, 0x81, len(BINARY_TEXT), 0x01020304, 0)
        assert reply[24:] == BINARY_TEXT

    def test_half_a_binary_header(self, server: Server, witness: Raw) -> None:
        for length in (1, 2, 12, 14):
            with Raw(server.address) as client:
                reply = client.send(BINARY_GET[:length]).read_all()
            assert reply[0] == 0x81
            assert reply[1] == (0x0A if length > 1 else 0)
            assert reply[24:] == BINARY_TEXT

    def test_binary_byte_later_is_text(self, server: Server, witness: Raw) -> None:
        assert witness.ask(b"\x80abc\r\n") == b"ERROR\r\n"

    def test_tls_hello_is_closed(self, server: Server, witness: Raw) -> None:
        with Raw(server.address) as client:
            assert client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)).read_all() == b""

    def test_http_request_is_closed(self, server: Server, witness: Raw) -> None:
        for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /flush_all HTTP/1.0\r\n\r\nflush_all\r\n"):
            with Raw(server.address) as client:
                assert client.send(request).read_all() == b""

    def test_counted_and_logged_few_times(self) -> None:
        with serving("-m", "64") as server:
            for _ in range(40):
                for hello in (BINARY_GET, b"\x16\x03\x01", b"GET / HTTP/1.1\r\n"):
                    with Raw(server.address) as client:
                        client.send(hello).read_all()
            with Raw(server.address) as client:
                assert client.ask(b"version\r\n") == VERSION
            lines = server.stderr.splitlines()
            assert 3 <= len(lines) <= 20
            for word in ("binary", "TLS", "HTTP"):
                assert sum(word in line for line in lines) in range(1, 7)


class TestHalfRequests:
    def test_stalled_in_a_line_and_in_a_value(self, server: Server, witness: Raw) -> None:
        line, value = Raw(server.address).send(b"get bi"), Raw(server.address).send(b"set k 0 0 1000000\r\nabc")
        assert witness.ask(b"get big\r\n", b"END\r\n") == HIT
        assert line.ask(b"g\r\n", b"END\r\n") == HIT
        assert value.ask(b"x" * 999_997 + b"\r\n") == b"STORED\r\n"
        line.close()
        value.close()

    @pytest.mark.parametrize("begun", [b"s", b"set k 0 0 10\r\n", b"set k 0 0 10\r\nabc", b"set k 0 0 500000\r\nabc"])
    def test_gone_in_the_middle(self, server: Server, witness: Raw, begun: bytes) -> None:
        stored(server.address, b"k", b"old")
        Raw(server.address).send(begun).close()
        Raw(server.address).send(begun).reset()
        assert witness.ask(b"get k\r\n", b"END\r\n") == b"VALUE k 0 3\r\nold\r\nEND\r\n"

    def test_gone_in_the_middle_of_a_reply(self, server: Server, witness: Raw) -> None:
        for request in (b"get big\r\n" * 20, b"get" + b" big" * 400 + b"\r\n", b"version\r\n" * 5000):
            for _ in range(5):
                Raw(server.address, slow=True).send(request).reset()
                reader = Raw(server.address, slow=True).send(request)
                assert reader.socket.recv(10)
                reader.reset()

    def test_a_line_without_end(self, server: Server, witness: Raw) -> None:
        with Raw(server.address) as client:
            assert client.send(b"set " + b"k" * 2048).read_all() == b""

    def test_a_get_line_beyond_every_bound(self, server: Server, witness: Raw) -> None:
        with Raw(server.address) as client, pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(100):
                client.send(b"get" + b" k" * 100_000)


class TestHeldMemory:
    def test_unread_replies_of_one_client(self, server: Server, witness: Raw) -> None:
        before = resident_mb(server.pid)
        with Raw(server.address, slow=True) as pipelined, Raw(server.address, slow=True) as multiget:
            pipelined.send(b"get big\r\n" * 500)
            multiget.send(b"get" + b" big" * 100_000 + b"\r\n")
            for _ in range(50):
                assert witness.ask(b"version\r\n") == VERSION
            assert resident_mb(server.pid) < before + 20

    def test_unread_replies_of_small_values(self, server: Server, witness: Raw) -> None:
        stored(server.address, b"small", b"s" * 4000)
        before = resident_mb(server.pid)
        with Raw(server.address, slow=True) as gets, Raw(server.address, slow=True) as gats:
            gets.send((b"get" + b" small" * 300 + b"\r\n") * 100)
            gats.send((b"gat 0" + b" small" * 300 + b"\r\n") * 100)
            for _ in range(50):
                assert witness.ask(b"version\r\n") == VERSION
            assert resident_mb(server.pid) < before + 20

    def test_unread_replies_of_many_clients(self) -> None:
        with serving("-m", "64") as server:
            stored(server.address, b"big", VALUE)
            before = resident_mb(server.pid)
            clients = []
            with Raw(server.address) as witness:
                for _ in range(100):
                    clients.append(Raw(server.address, slow=True).send(b"get big\r\n" * 10))
                    assert witness.ask(b"get big\r\n", b"END\r\n") == HIT
            assert resident_mb(server.pid) < before + 10
            assert stats(server.address)["curr_connections"] == "101"
            assert "neither read its replies nor finished" not in server.stderr
            for client in clients:
                client.close()

    def test_values_begun_cost_what_has_come(self) -> None:
        with serving("-m", "64") as server:
            before = resident_mb(server.pid)
            clients = [Raw(server.address).send(b"set k 0 0 1000000\r\nabc") for _ in range(200)]
            wait_until(lambda: stats(server.address)["curr_connections"] == "201", 10, "all are connected")
            assert resident_mb(server.pid) < before + 10
            for client in clients:
                client.send(b"v" * 900_000)
            assert resident_mb(server.pid) < before + 64 + 5
            assert stats(server.address)["curr_connections"] == "201"
            for client in clients:
                client.close()
            wait_until(lambda: stats(server.address)["curr_connections"] == "1", 10, "all are gone")
            slabs = stats(server.address, "slabs")
            assert {number for name, number in slabs.items() if name.endswith(":used_chunks")} == {"0"}

    def test_a_long_line_of_tiny_keys(self, server: Server, witness: Raw) -> None:
        before, peak = resident_mb(server.pid), 0.0
        with Raw(server.address) as client:
            client.send(b"get" + b" kk" * 2_700_000 + b"\r\nversion\r\n")
            for _ in range(30):
                assert witness.ask(b"version\r\n") == VERSION
                peak = max(peak, resident_mb(server.pid))
            assert client.read_until(VERSION) == b"END\r\n" + VERSION
        assert peak < before + 40

    def test_idle_connections(self) -> None:
        with serving("-m", "64", "-c", "1100") as server, Raw(server.address) as witness:
            assert witness.ask(b"version\r\n") == VERSION
            before = resident_mb(server.pid)
            clients = [Raw(server.address) for _ in range(1000)]
            wait_until(lambda: stats(server.address)["curr_connections"] == "1002", 10, "all are connected")
            assert clients[-1].ask(b"get k\r\n") == b"END\r\n"
            assert (resident_mb(server.pid) - before) * 1024 / 1000 < 4
            for client in clients:
                client.close()


class TestEnds:
    @pytest.mark.parametrize(
        ("requests", "replies"),
        [
            (b"get nothing\r\n", b"END\r\n"),
            (b"version\r\n" * 3000, VERSION * 3000),
            (b"get big\r\n" * 12, HIT * 12),
            (b"get" + b" big" * 9 + b"\r\n", HIT[:-5] * 9 + b"END\r\n"),
            (b"version\r\nget bi", VERSION),
            (b"version\r\nset k 0 0 10\r\nabc", VERSION),
            (b"", b""),
        ],
        ids=["one", "many", "large", "many keys", "half a line", "half a value", "nothing"],
    )
    def test_half_close_gets_every_answer(
        self, server: Server, witness: Raw, requests: bytes, replies: bytes
    ) -> None:
        with Raw(server.address) as client:
            assert client.send(requests).end().read_all() == replies

    def test_quit_after_pipelined_requests(self, server: Server, witness: Raw) -> None:
        with Raw(server.address) as client:
            assert client.send(b"version\r\n" * 1000 + b"get big\r\nquit\r\nversion\r\n").read_all() == (
                VERSION * 1000 + HIT
            )


class TestTurns:
    def test_ten_thousand_requests_in_one_write(self, server: Server, witness: Raw) -> None:
        numbers = range(10_000)
        yields = int(stats(server.address)["conn_yields"])
        with Raw(server.address) as client:
            client.send(b"set n 0 0 1\r\n0\r\n" + b"incr n 1\r\n" * len(numbers) + b"quit\r\n")
            assert client.read_all() == b"STORED\r\n" + b"".join(b"%d\r\n" % (n + 1) for n in numbers)
        reads = 2  # the 90 KB come in two or three; the last turn of each is short, and what follows it is no yield
        assert int(stats(server.address)["conn_yields"]) >= yields + 10_000 // 256 - reads

    def test_a_get_of_many_keys_takes_many_turns(self, server: Server, witness: Raw) -> None:
        yields = int(stats(server.address)["conn_yields"])
        with Raw(server.address) as client:
            client.send(b"get " + b" ".join(b"key-%d" % n for n in range(100_000)) + b"\r\n")
            assert witness.ask(b"version\r\n") == VERSION  # while the other's answer is in the making or done
            assert client.read_until(b"END\r\n") == b"END\r\n"
        assert int(stats(server.address)["conn_yields"]) > yields + 100_000 // 512

    def test_requests_wait_in_order_while_a_value_goes_out(self, server: Server, witness: Raw) -> None:
        with Raw(server.address, slow=True) as client:
            client.send(b"get big big big\r\nversion\r\nget big\r\nset after 0 0 1\r\n1\r\n" * 2 + b"quit\r\n")
            assert client.read_all() == 2 * (
                HIT[:-5] * 3 + b"END\r\n" + VERSION + HIT + b"STORED\r\n"
            )


def test_connections_over_the_limit() -> None:
    with serving("-m", "64", "-c", "3") as server:
        wait_until(lambda: stats(server.address)["curr_connections"] == "1", 5, "the starter's own look is over")
        before = stats(server.address)
        inside = [Raw(server.address) for _ in range(3)]
        for client in inside:
            assert client.ask(b"version\r\n") == VERSION
        for _ in range(2):
            with Raw(server.address) as client:
                assert client.read_all() == b"ERROR Too many open connections\r\n"
        after = dict(
            line.split(" ")[1:3] for line in inside[0].ask(b"stats\r\n", b"END\r\n").decode().splitlines()[:-1]
        )
        assert int(after["rejected_connections"]) == int(before["rejected_connections"]) + 2
        assert int(after["total_connections"]) == int(before["total_connections"]) + 3
        inside.pop().close()
        wait_until(lambda: stats(server.address).get("curr_connections") == "3", 5, "there is room again")
        for client in inside:
            client.close()
