"""--max-conns: who has to go, and what it takes to know."""

from __future__ import annotations

import errno
import resource
import socket
import time

from mcproxy.client_limit import RESERVED_FILES, ClientLimit, connections_max
from tests.mcproxy.test_listeners import answer
from tests.mcproxy.test_listeners import proxy as proxy_process
from tests.support.mock_upstream import SILENCE, MockUpstream
from tests.support.running_proxy import running_proxy, until
from tests.support.waiting import wait_until

VERSION = b"VERSION mcrouter\r\n"


class FakeClient:
    """Was silent for `idle_ms`; counts how often it was asked."""

    def __init__(self, idle_ms: int) -> None:
        self._idle_ms = idle_ms
        self.asked = 0
        self.ended = False

    @property
    def idle_ms(self) -> int:
        self.asked += 1
        return self._idle_ms

    def heard(self) -> None:
        self._idle_ms = 0

    def finish(self) -> None:
        self.ended = True


def limited(count: int, limit: int) -> tuple[ClientLimit[FakeClient], list[FakeClient]]:
    clients = [FakeClient(1000 + number) for number in range(count)]
    return ClientLimit(limit, set(clients), lambda client: None), clients


class TestWhoHasToGo:
    def test_nobody_below_the_limit(self):
        limit, clients = limited(9, 10)
        limit.make_room()
        assert not any(client.ended or client.asked for client in clients)

    def test_the_longest_silent_at_it(self):
        limit, clients = limited(10, 10)
        limit.make_room()
        assert [client.ended for client in clients] == [False] * 9 + [True]

    def test_each_newcomer_costs_one_though_the_ended_are_not_gone_yet(self):
        clients = {FakeClient(1000 + number) for number in range(100)}
        limit = ClientLimit(100, clients, lambda client: None)
        for newcomer in range(20):
            limit.make_room()
            clients.add(FakeClient(0))
            assert sum(client.ended for client in clients) == newcomer + 1
        ended = sorted(client._idle_ms for client in clients if client.ended)
        assert ended == list(range(1080, 1100))
        assert sum(client.asked for client in clients) < 5 * 100  # not all of them for each

    def test_not_one_who_has_spoken_since_the_look(self):
        clients = [FakeClient(1000 + number) for number in range(64)]
        known = set(clients)
        limit = ClientLimit(64, known, lambda client: None)
        for newcomer in range(3):
            limit.make_room()
            known.add(FakeClient(0))
            if not newcomer:
                clients[-2].heard()
        assert [client.ended for client in clients[-4:]] == [True, True, False, True]

    def test_as_many_as_were_too_busy_before(self):
        limit, clients = limited(13, 10)
        limit.make_room()
        assert sum(client.ended for client in clients) == 4

    def test_nobody_with_requests_under_way(self):
        busy = {FakeClient(-1) for _ in range(5)}
        ClientLimit(3, busy, lambda client: None).make_room()
        assert not any(client.ended for client in busy)


class TestHowMany:
    def test_none_and_a_share_of_each_worker(self):
        assert [connections_max(asked, 4) for asked in (0, 2, 400)] == [0, 1, 100]

    def test_what_files_allow(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1000), hard))
            assert connections_max(1, 4) == min(soft, 1000) - RESERVED_FILES
            assert connections_max(2000, 2) == 1000
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1000 + RESERVED_FILES
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_the_longest_idle_client_makes_room(caplog):
    async with (
        MockUpstream(lambda line, value: SILENCE) as server,
        running_proxy("--upstream", server.address, "--max-conns", "3") as proxy,
    ):
        waiting, first, second = [await proxy.connect() for _ in range(3)]
        waiting.send(b"get slow\r\n")
        await server.wait_for_lines(1)
        await until(lambda: all(client.idle_ms for client in proxy.proxy.service.connections))
        await first.ask(b"version\r\n", VERSION)
        newcomer = await proxy.connect()
        await second.expect_end()
        for client in (first, newcomer):
            await client.ask(b"version\r\n", VERSION)
        assert len(proxy.proxy.service.connections) == 3
        assert proxy.proxy.service.refused["idle"] == 1
        assert "3 clients: the longest idle one is closed" in caplog.text


async def test_many_who_come_at_once_are_counted_each():
    async with (
        MockUpstream(lambda line, value: SILENCE) as server,
        running_proxy("--upstream", server.address, "--max-conns", "3") as proxy,
    ):
        comers = [socket.socket() for _ in range(20)]
        for comer in comers:
            comer.setblocking(False)
            assert comer.connect_ex(("127.0.0.1", proxy.port)) in (0, errno.EINPROGRESS)
        await until(lambda: proxy.proxy.service.refused["idle"] == 17)
        await until(lambda: len(proxy.proxy.service.connections) == 3)
        for comer in comers:
            comer.close()


def test_on_a_unix_socket(tmp_path):
    def connected() -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(path)
        return client

    def ask(client: socket.socket) -> bytes:
        client.sendall(b"get k\r\n")
        return client.recv(100)

    path = str(tmp_path / "s")
    with proxy_process("--unix-domain-sock", path, "--max-conns", "2"):
        wait_until(lambda: answer(socket.AF_UNIX, path) == b"END\r\n", 10, "an answer")
        with connected() as first, connected() as second:
            assert [ask(client) for client in (first, second)] == [b"END\r\n"] * 2
            time.sleep(0.01)  # it counts in milliseconds
            assert ask(first) == b"END\r\n"
            with connected() as third:
                assert ask(third) == b"END\r\n"
                assert second.recv(100) == b""
                assert ask(first) == b"END\r\n"
