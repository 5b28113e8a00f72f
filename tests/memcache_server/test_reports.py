"""`stats conns`, beside the original; the other reports are compared in tests/conformance."""

from __future__ import annotations

import time

import pytest

from tests.memcache_server.serving import Raw, serving
from tests.memcache_server.test_server import answers, on_unix_socket
from tests.support.processes import Address, memcached_command, running
from tests.support.waiting import wait_until

NAMES = ["addr", "listen_addr", "state", "secs_since_last_cmd"]


def conns(client: Raw) -> dict[str, dict[str, str]]:
    """`stats conns` by address."""
    reports: dict[str, dict[str, str]] = {}
    for line in client.ask(b"stats conns\r\n", b"END\r\n").decode().split("\r\n")[:-2]:
        number, name, value = line.removeprefix("STAT ").replace(" ", ":", 1).split(":", 2)
        reports.setdefault(number, {})[name] = value
    return {report["addr"]: report for report in reports.values()}


def seen(address: Address) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The addresses of four clients in four states, and the report three seconds later."""
    with Raw(address) as asking, Raw(address) as silent, Raw(address) as setting, Raw(address) as watching:
        clients = [asking, silent, setting, watching]
        watching.ask(b"watch\r\n")
        asking.ask(b"version\r\n")
        setting.send(b"set k 0 0 10\r\nabc")
        time.sleep(3)  # what is counted are seconds
        return ["tcp:{}:{}".format(*client.socket.getsockname()) for client in clients], conns(asking)


@pytest.mark.memcached
def test_conns_beside_the_original() -> None:
    found = []
    with running(memcached_command) as theirs, serving() as ours:
        for server in (theirs, ours):
            clients, reports = seen(server.address)
            listener = "tcp:{}:{}".format(*server.address)
            assert set(reports) == {*clients, listener}
            assert {report.get("listen_addr") for report in reports.values()} == {None, listener}
            for client in clients:
                assert list(reports[client]) == NAMES
            assert list(reports[listener]) == [name for name in NAMES if name != "listen_addr"]
            seconds = [int(reports[client]["secs_since_last_cmd"]) for client in clients]
            assert seconds[0] in (0, 1)
            assert all(value in (2, 3, 4) for value in seconds[1:])
            found.append([reports[address]["state"] for address in (*clients, listener)])
    assert found[1] == found[0] == ["conn_parse_cmd", "conn_new_cmd", "conn_nread", "conn_watch", "conn_listening"]


def test_conns_of_a_unix_socket() -> None:
    with on_unix_socket() as (path, _):
        wait_until(lambda: answers(path), 10, "the Unix socket is served")
        with Raw(path) as client:
            report = conns(client)
        assert report[f"unix:{path}"]["state"] == "conn_listening"
        expected = {"addr": "unix:", "listen_addr": f"unix:{path}", "state": "conn_parse_cmd"}
        assert report["unix:"] == {**expected, "secs_since_last_cmd": "0"}
