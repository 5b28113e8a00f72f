"""TLS (-Z), with certificates made by the openssl program."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import kill
from pathlib import Path

import pytest

from tests.memcache_server.serving import MEMCACHE_SERVER, Raw, serving, stats
from tests.support.waiting import wait_until

USER = ["-u", "root"]  # the keys are in a directory of ours


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    chain, key = directory / f"{name}.pem", directory / f"{name}.key"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run([*words, "-keyout", key, "-out", chain], check=True, capture_output=True)
    return chain, key


@contextmanager
def spoken(address: tuple[str, int], client: tuple[Path, Path] | None = None, **versions: ssl.TLSVersion):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, version in versions.items():
        setattr(context, name, version)
    if client is not None:
        context.load_cert_chain(*client)
    with socket.create_connection(address, 10) as plain, context.wrap_socket(plain) as secure:
        yield secure


def ask(secure: ssl.SSLSocket, request: bytes) -> bytes:
    secure.sendall(request)
    return secure.recv(1 << 16)


def common_name(secure: ssl.SSLSocket) -> bytes:
    found = secure.getpeercert(binary_form=True)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    yield certificate(tmp_path_factory.mktemp("tls"), "first")


def options(chain: Path, key: Path, *more: str) -> list[str]:
    return [*USER, "-Z", "-o", ",".join([f"ssl_chain_cert={chain}", f"ssl_key={key}", *more])]


def test_speaks_tls_and_nothing_else(files: tuple[Path, Path]) -> None:
    with serving(*options(*files, "ssl_session_cache,ssl_wbuf_size=16,ssl_min_version=3")) as server:
        with spoken(server.address) as client:
            value = b"v" * 1_000_000
            assert ask(client, b"set k 0 0 %d\r\n%b\r\n" % (len(value), value)) == b"STORED\r\n"
            client.sendall(b"get k\r\n")
            got = bytearray()
            while not got.endswith(b"END\r\n"):
                got += client.recv(1 << 20)
            assert got == b"VALUE k 0 1000000\r\n%b\r\nEND\r\n" % value
            assert b"STAT ssl_enabled yes\r\n" in ask(client, b"stats settings\r\n")
            assert b"STAT time_since_server_cert_refresh " in ask(client, b"stats\r\n")
        with Raw(server.address) as plain:
            assert b"VERSION" not in plain.send(b"version\r\n").read_all()
        with pytest.raises(ssl.SSLError), spoken(server.address, maximum_version=ssl.TLSVersion.TLSv1_2):
            pass


def test_failed_handshakes_do_not_fill_the_log(files: tuple[Path, Path]) -> None:
    with serving(*options(*files)) as server:
        for begin in (b"get a\r\n" * 20, b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\x02\x00\x01\x00") * 40:
            with Raw(server.address) as client:
                client.send(begin)
        assert len(server.stderr.splitlines()) < 20


def test_refresh(tmp_path: Path, files: tuple[Path, Path]) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    second = certificate(tmp_path, "second")

    def put(pair: tuple[Path, Path]) -> None:
        chain.write_bytes(pair[0].read_bytes())
        key.write_bytes(pair[1].read_bytes())

    put(files)
    with serving(*options(chain, key)) as server, spoken(server.address) as before:
        first = common_name(before)
        put(second)
        assert ask(before, b"refresh_certs\r\n") == b"OK\r\n"
        with spoken(server.address) as after:
            assert common_name(after) != first
        key.write_bytes(b"no key")
        assert ask(before, b"refresh_certs\r\n").startswith(b"Error loading the certificate chain: ")
        with spoken(server.address) as still:
            assert common_name(still) != first
        put(files)
        kill(server.pid, signal.SIGHUP)

        def is_first() -> bool:
            with spoken(server.address) as now:
                return common_name(now) == first

        wait_until(is_first, 5, "the first certificate is back")


def test_client_certificates(tmp_path: Path, files: tuple[Path, Path]) -> None:
    ours = certificate(tmp_path, "client")
    with serving(*options(*files, f"ssl_ca_cert={ours[0]}", "ssl_verify_mode=2")) as server:
        with spoken(server.address, ours) as client:
            assert ask(client, b"version\r\n").startswith(b"VERSION")
        with pytest.raises((ssl.SSLError, ConnectionError)), spoken(server.address) as client:
            assert ask(client, b"version\r\n") == b""
            raise ConnectionResetError


def test_a_plain_listener_beside(files: tuple[Path, Path]) -> None:
    with serving(*options(*files), "-l", "notls:127.0.0.2") as server:
        assert stats(("127.0.0.2", server.address[1]), "settings")["ssl_min_version"] == "tlsv1.2"


@pytest.mark.parametrize("words", ["-Z", "-Z -o ssl_chain_cert=/no/such,ssl_key=/no/such"])
def test_without_a_certificate(words: str) -> None:
    done = subprocess.run(
        [*MEMCACHE_SERVER, *USER, *words.split()], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (64, 1)
    assert "Error loading the certificate chain" in done.stderr


def test_refresh_without_tls() -> None:
    with serving() as server, Raw(server.address) as client:
        assert client.ask(b"refresh_certs\r\n") == b"Error TLS not enabled\r\n"


class TestEndBehindTheRequests:
    """A client that writes a batch and its close_notify in one piece gets all of its answers."""

    def exchange(self, address: tuple[str, int], requests: bytes) -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        incoming, outgoing, answers = ssl.MemoryBIO(), ssl.MemoryBIO(), []
        session = context.wrap_bio(incoming, outgoing)
        with socket.create_connection(address, 10) as plain:
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(outgoing.read())
                    incoming.write(plain.recv(1 << 16))
            session.write(requests)
            with suppress(ssl.SSLWantReadError):
                session.unwrap()
            plain.sendall(outgoing.read())
            while data := plain.recv(1 << 20):
                incoming.write(data)
                with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                    while part := session.read(1 << 20):
                        answers.append(part)
        return b"".join(answers)

    def test_small_replies_and_silent_sets(self, files: tuple[Path, Path]) -> None:
        with serving(*options(*files)) as server:
            sets = b"".join(b"set k%d 0 0 1 noreply\r\nx\r\n" % number for number in range(1000))
            assert self.exchange(server.address, sets + b"mn\r\n") == b"MN\r\n"
            got = self.exchange(server.address, b"get k7\r\n" * 1500)
            assert got == b"VALUE k7 0 1\r\nx\r\nEND\r\n" * 1500
            with spoken(server.address) as secure:
                assert b"STAT curr_items 1000\r\n" in ask(secure, b"stats\r\n")

    def test_large_replies(self, files: tuple[Path, Path]) -> None:
        with serving(*options(*files)) as server:
            block = b"VALUE big 0 1000000\r\n" + b"v" * 1_000_000 + b"\r\nEND\r\n"
            with spoken(server.address) as secure:
                assert ask(secure, b"set big 0 0 1000000\r\n" + b"v" * 1_000_000 + b"\r\n") == b"STORED\r\n"
            assert self.exchange(server.address, b"get big\r\n") == block
            assert self.exchange(server.address, b"get big\r\n" * 5) == block * 5
            assert not [line for line in server.stderr.splitlines() if "as root" not in line]
