from __future__ import annotations

import select
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mcdaemon.errors import StartError
from mcdaemon.sockets import (
    Address,
    adopt,
    close_all,
    listen_error,
    open_sharded,
    open_tcp,
    open_unix,
    parse_address,
)

LOOPBACK = Address("127.0.0.1", 0)


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("5000", Address("", 5000), "*:5000"),
        (":5000", Address("", 5000), "*:5000"),
        ("*", Address("", 11211), "*:11211"),
        ("*:0", Address("", 0), "*:0"),
        ("10.0.0.1", Address("10.0.0.1", 11211), "10.0.0.1:11211"),
        ("localhost:12", Address("localhost", 12), "localhost:12"),
        ("::1", Address("::1", 11211), "[::1]:11211"),
        ("[::1]", Address("::1", 11211), "[::1]:11211"),
        ("[::]:12", Address("::", 12), "[::]:12"),
    ],
)
def test_parse_address(text: str, address: Address, shown: str) -> None:
    assert parse_address(text, 11211) == address
    assert str(address) == shown


@pytest.mark.parametrize("text", ["a:b", "a:", "a:65536", "[::1", "[::1]12", "70000", "a:-1", "[::1]:"])
def test_parse_address_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("[", r"\[")):
        parse_address(text, 11211)


def test_port_in_use_is_named_and_nothing_stays_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        before = sum(1 for _ in Path("/proc/self/fd").iterdir())
        with pytest.raises(StartError) as failure:
            open_tcp([LOOPBACK, Address("127.0.0.1", port)], exit_code=2)
        assert failure.value.text == f"cannot listen on 127.0.0.1:{port}: Address already in use"
        assert failure.value.exit_code == 2
        assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_unknown_name_is_named() -> None:
    with pytest.raises(StartError, match=r"^cannot listen on nohost\.invalid:0: "):
        open_tcp([Address("nohost.invalid", 0)])


def test_address_of_another_machine_is_named() -> None:
    with pytest.raises(StartError, match=r"^cannot listen on 192\.0\.2\.1:0: Cannot assign requested address$"):
        open_tcp([Address("192.0.2.1", 0)])


def test_a_family_that_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    listeners = open_tcp([Address("some.name", 0)])
    assert [listener.getsockname()[0] for listener in listeners] == ["127.0.0.1"]
    close_all(listeners)


def test_every_interface_on_one_free_port() -> None:
    listeners = open_tcp([Address("", 0)])
    assert listeners[0].family == socket.AF_INET
    assert len({listener.getsockname()[1] for listener in listeners}) == 1
    with socket.create_connection(listeners[0].getsockname()):
        pass
    close_all(listeners)


# Tries until it gets in, once for each line of input; says how the connection ended.
EAGER_CLIENT = """
import socket, sys
for line in sys.stdin:
    print("trying", flush=True)
    connection = socket.socket()
    while connection.connect_ex(("127.0.0.1", int(line))):
        connection.close()
        connection = socket.socket()
    try:
        print("closed" if connection.recv(1) == b"" else "data", flush=True)
    except ConnectionResetError:
        print("reset", flush=True)
    connection.close()
"""


def test_who_connects_while_shards_are_opened_is_kept() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", probe.getsockname()[1])
    command = [sys.executable, "-c", EAGER_CLIENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdin and client.stdout
        for _ in range(100):
            client.stdin.write(f"{address.port}\n")
            client.stdin.flush()
            assert client.stdout.readline() == "trying\n"
            shards = open_sharded([address], 2)
            readable, _, _ = select.select([*shards[0], *shards[1], client.stdout], [], [], 5)
            if client.stdout not in readable:
                readable[0].accept()[0].close()
            assert client.stdout.readline() == "closed\n"
            for shard in shards:
                close_all(shard)
        client.stdin.close()


def test_shards_share_a_port_that_nobody_else_may_join() -> None:
    shards = open_sharded([LOOPBACK, Address("127.0.0.2", 0)], 2)
    addresses = [[listener.getsockname() for listener in shard] for shard in shards]
    assert addresses[0] == addresses[1]
    assert [host for host, _ in addresses[0]] == ["127.0.0.1", "127.0.0.2"]
    taken = Address(*addresses[0][0])
    for opening in (lambda: open_tcp([taken]), lambda: open_sharded([taken], 2)):
        with pytest.raises(StartError, match="Address already in use"):
            opening()
    for shard in shards:
        close_all(shard)


def test_unix_socket_has_its_mode_and_goes_with_close(tmp_path: Path) -> None:
    path = tmp_path / "cache.sock"
    listener = open_unix(str(path), mode=0o760)
    assert stat.S_IMODE(path.stat().st_mode) == 0o760
    close_all([listener])
    assert not path.exists()


def test_stale_unix_socket_is_replaced_but_one_in_use_and_a_file_are_not(tmp_path: Path) -> None:
    path = str(tmp_path / "cache.sock")
    open_unix(path).close()  # leaves its file behind
    listener = open_unix(path)
    with pytest.raises(StartError) as failure:
        open_unix(path)
    assert failure.value.text == f"cannot listen on {path}: Address already in use"
    close_all([listener])
    Path(path).write_text("precious")
    with pytest.raises(StartError):
        open_unix(path)
    assert Path(path).read_text() == "precious"


def test_unix_path_too_long(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="File name too long"):
        open_unix(str(tmp_path / ("x" * 120)))


def test_adopt_takes_a_listening_socket_only() -> None:
    opened = socket.create_server(("127.0.0.1", 0))
    adopted = adopt(opened.detach())
    with socket.create_connection(adopted.getsockname()):
        pass
    adopted.close()
    with socket.socket() as idle, pytest.raises(StartError, match="not a listening socket"):
        adopt(idle.fileno())
    with pytest.raises(StartError, match="Bad file descriptor"):
        adopt(2000)


def test_listen_error_text() -> None:
    error = listen_error("0.0.0.0:11211", OSError(98, "whatever"))
    assert (error.text, error.exit_code) == ("cannot listen on 0.0.0.0:11211: Address already in use", 71)
