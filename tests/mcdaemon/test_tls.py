"""Contexts that are built anew while a listener holds on to the first: handshakes in memory."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from mcdaemon.tls import RenewableContext, failure_text, load_client_authorities, load_identity
from tests.support.certificates import Authority, Pair


class Files:
    """What a server's context is built from, as it stands."""

    def __init__(self, shown: Pair, trusted: Authority) -> None:
        self.shown, self.trusted = shown, trusted

    def build(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_identity(context, str(self.shown.chain), str(self.shown.key))
        load_client_authorities(context, str(self.trusted.pem))
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@pytest.fixture(scope="module")
def authorities(tmp_path_factory) -> list[Authority]:
    return [Authority(tmp_path_factory.mktemp(name), name) for name in ("first", "second")]


@pytest.fixture(scope="module")
def pairs(authorities) -> list[Pair]:
    return [authority.certificate("host.test") for authority in authorities]


def connected(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> ssl.SSLObject:
    """The client's side, which has read something: also what a server tells after the handshake. Raises SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="host.test", session=session)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    server.write(b"hello")
    assert client.read() == b"hello"
    return client


def shake_hands(server_context: ssl.SSLContext, client_context: ssl.SSLContext) -> str:
    """Who issued what the server shows. Raises SSLError as either side does."""
    client = connected(server_context, client_context)
    return dict(part[0] for part in client.getpeercert()["issuer"])["commonName"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_refresh_changes_both_what_is_shown_and_who_is_believed(authorities, pairs, version):
    files = Files(pairs[0], authorities[0])
    renewable = RenewableContext(files.build)
    listening = renewable.for_listeners()

    def client(trusted: int, shown: int) -> ssl.SSLContext:
        context = authorities[trusted].trusting(pairs[shown])
        context.maximum_version = version
        return context

    assert shake_hands(listening, client(0, 0)) == "first"
    files.shown, files.trusted = pairs[1], authorities[1]
    assert shake_hands(listening, client(0, 0)) == "first"
    renewable.refresh()
    assert shake_hands(listening, client(1, 1)) == "second"
    with pytest.raises(ssl.SSLError):
        shake_hands(listening, client(1, 0))  # its authority was taken away


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_outlives_the_authority_of_its_client(authorities, pairs, version):
    files = Files(pairs[0], authorities[0])
    renewable = RenewableContext(files.build)
    listening = renewable.for_listeners()
    context = authorities[0].trusting(pairs[0])
    context.maximum_version = version
    session = connected(listening, context).session
    assert not connected(listening, context, session).session_reused
    files.trusted = authorities[1]
    renewable.refresh()
    with pytest.raises(ssl.SSLError):
        connected(listening, context, session)


def test_what_cannot_be_read_changes_nothing(authorities, pairs, tmp_path):
    files = Files(pairs[0], authorities[0])
    renewable = RenewableContext(files.build)
    listening = renewable.for_listeners()
    for bad in (Pair(tmp_path / "none", tmp_path / "none"), Pair(pairs[0].chain, pairs[1].key)):
        files.shown = bad
        with pytest.raises(ValueError, match="Error loading the certificate chain: "):
            renewable.refresh()
    files.shown, files.trusted = pairs[0], authorities[0]
    files.trusted.pem, kept = Path("/no/such"), files.trusted.pem
    with pytest.raises(ValueError, match="Error loading the client CA cert: /no/such: No such file or directory"):
        renewable.refresh()
    files.trusted.pem = kept
    assert shake_hands(listening, authorities[0].trusting(pairs[0])) == "first"


def test_failed_handshakes_are_told(authorities, pairs):
    told: list[str] = []
    renewable = RenewableContext(Files(pairs[0], authorities[0]).build)
    listening = renewable.for_listeners(lambda error: told.append(failure_text(error)))
    with pytest.raises(ssl.SSLError):
        shake_hands(listening, authorities[0].trusting())
    assert told == ["peer did not return a certificate"]
    shake_hands(listening, authorities[0].trusting(pairs[0]))
    assert len(told) == 1


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(2, "No such file or directory"), "No such file or directory"),
        (ConnectionResetError(), ""),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "wrong version number"),
        (ssl.SSLError(1, "[SSL] PEM lib (_ssl.c:3900)"), "not PEM, or not with its key"),
    ],
)
def test_words_of_an_error(error, text):
    assert failure_text(error) == text
