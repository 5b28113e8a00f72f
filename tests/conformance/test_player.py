"""The comparison itself: the original agrees with itself, and a relay that spoils its replies is found out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.conformance.compare import Comparison
from tests.conformance.conftest import QUIET
from tests.conformance.generator import scripts
from tests.conformance.player import Connection, next_barrier
from tests.support.processes import LOOPBACK, Address, Server, memcached_command, running

pytestmark = pytest.mark.memcached

Spoil = Callable[[bytes], bytes]


def pump(source: socket.socket, sink: socket.socket, spoil: Spoil) -> None:
    """Copy until the source ends, then end the sink."""
    try:
        while data := source.recv(262144):
            sink.sendall(spoil(data))
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other direction closed both


def relay(client: socket.socket, target: Address, spoil: Spoil) -> None:
    with client, socket.create_connection(target) as server:
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or cut segments wait for acknowledgements
        upward = threading.Thread(target=pump, args=(client, server, bytes))
        upward.start()
        pump(server, client, spoil)
        upward.join()


@contextmanager
def spoiling(target: Address, spoil: Spoil) -> Iterator[Address]:
    """A server that passes everything on and changes the replies on their way back."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=relay, args=(client, target, spoil)))
                threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        accepting.join()
        for thread in threads:
            thread.join()


SPOILED: dict[str, Spoil] = {
    "another word": lambda data: data.replace(b"NOT_STORED", b"NOTSTORED"),
    "an error's text": lambda data: data.replace(b"CLIENT_ERROR bad data chunk", b"CLIENT_ERROR bad chunk"),
    "client flags": lambda data: data.replace(b" 65536 ", b" 0 "),
    "no padding": lambda data: data.replace(b"9 \r\n", b"9\r\n"),
    "a bare newline": lambda data: data.replace(b"TOUCHED\r\n", b"TOUCHED\n"),
    "a counter": lambda data: data.replace(b"STAT get_misses ", b"STAT get_misses 1"),
}


@pytest.fixture(scope="module")
def twin() -> Iterator[Server]:
    with running(lambda port: memcached_command(port, *QUIET)) as server:
        yield server


def test_the_original_agrees_with_itself(twin: Server, original: Server) -> None:
    with Comparison(twin.address, original.address) as comparison:
        mismatch = comparison.first_mismatch(scripts(5, 300))
        assert mismatch is None, str(mismatch)


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_reply_is_found(name: str, twin: Server, original: Server) -> None:
    with (
        spoiling(twin.address, SPOILED[name]) as address,
        Comparison(address, original.address) as comparison,
    ):
        assert comparison.first_mismatch(scripts(5, 300)) is not None


def test_a_connection_tells_answered_closed_and_stalled(original: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.conformance.player.PATIENCE_SECONDS", 0.2)
    connection, barrier = Connection(original.address), next_barrier()
    connection.send(b"version\r\n" + barrier.request)
    assert connection.receive(barrier.answer).outcome == "answered"
    connection.send(b"set x 0 0 100000\r\n" + barrier.request)
    assert connection.receive(barrier.answer).outcome == "stalled"
    connection.close()
    quitting = Connection(original.address)
    quitting.send(b"version\r\nquit\r\n")
    reply = quitting.receive(None)
    assert (reply.outcome, reply.data[:8]) == ("closed", b"VERSION ")
