"""TLS from clients and to servers, with certificates made by the openssl program."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
from contextlib import suppress

import pytest

from mcdaemon.cli import parse_settings
from mcdaemon.errors import StartError
from mcproxy.settings import Settings
from mcproxy.tls import Tls
from mcproxy.upstream.tls import ClientTls
from tests.support.certificates import Authority, Pair
from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until

VALUE = b"v" * 1_500_000  # many records, and more than the buffers of either side


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody trusts, and a certificate of it."""
    other = Authority(tmp_path_factory.mktemp("stranger"), "stranger")
    other.pair = other.certificate("stranger.test")
    return other


@pytest.fixture(scope="module")
def pair(authority):
    return authority.certificate("cache.test")


def listening(pair: Pair, *words: str) -> tuple[str, ...]:
    return ("--ssl-port", "0", *pair.words("server-"), *words)


def secured(server: MockUpstream, *words: str) -> tuple[str, ...]:
    return ("--upstream", server.address, "--upstream-tls", *words)


class TestClients:
    @pytest.fixture
    async def proxy(self, pair):
        async with (
            MockUpstream(store_script()) as server,
            running_proxy("--upstream", server.address, *listening(pair)) as proxy,
        ):
            proxy.server = server
            yield proxy

    async def test_large_values_both_ways_beside_a_plain_port(self, proxy, authority):
        secure, plain = await proxy.connect(authority.trusting()), await proxy.connect()
        await secure.ask(b"set k 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE), b"STORED\r\n")
        for client in (secure, plain):
            await client.ask(b"get k\r\n", b"VALUE k 0 %d\r\n%b\r\nEND\r\n" % (len(VALUE), VALUE))

    async def test_pipelined(self, proxy, authority):
        client = await proxy.connect(authority.trusting())
        await client.ask(b"set k 0 0 1\r\nx\r\n" * 1000 + b"mn\r\n", b"STORED\r\n" * 1000 + b"MN\r\n")
        await client.ask(b"get k\r\nget none\r\n" * 1000, b"VALUE k 0 1\r\nx\r\nEND\r\nEND\r\n" * 1000)

    async def test_garbage_in_place_of_a_handshake(self, proxy, authority, caplog):
        for garbage in (b"get k\r\n" * 20, b"\x16\x03\x01\x00\x05hello"):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.tls_port)
            writer.write(garbage)
            with suppress(ConnectionError):
                assert b"END" not in await asyncio.wait_for(reader.read(), 5)
            writer.close()
        await until(lambda: proxy.proxy.service.refused["handshake"] == 2)
        assert "a client's TLS handshake failed: " in caplog.text
        assert proxy.server.lines == []
        await (await proxy.connect(authority.trusting())).ask(b"get k\r\n", b"END\r\n")

    async def test_requests_before_the_end_of_tls_are_handled(self, proxy, authority):
        """The client half-closes: its sets are stored, and replies that need no server still come."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = authority.trusting().wrap_bio(incoming, outgoing, server_hostname="cache.test")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.tls_port)
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(1 << 16))
        session.write(b"".join(b"set k%d 0 0 1 noreply\r\nx\r\n" % number for number in range(700)) + b"mn\r\n")
        with suppress(ssl.SSLWantReadError):
            session.unwrap()
        writer.write(outgoing.read())
        incoming.write(await asyncio.wait_for(reader.read(), 5))
        writer.close()
        await proxy.server.wait_for_lines(700)
        await until(lambda: not proxy.proxy.service.connections)

    @pytest.mark.parametrize("reads", [True, False])
    async def test_a_client_that_does_not_read(self, pair, authority, reads):
        """It is read from no more; once it reads it has everything, if it never does it is dropped."""
        words = listening(pair, "--client-timeout", "0" if reads else "100", "--server-timeout", "20000")
        async with (
            MockUpstream(store_script()) as server,
            running_proxy("--upstream", server.address, *words) as proxy,
        ):
            client = await proxy.connect(authority.trusting())
            await client.ask(b"set k 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE), b"STORED\r\n")
            client.writer.transport.pause_reading()
            client.send(b"get k\r\n" * 8)
            [connection] = proxy.proxy.service.connections
            if reads:
                await until(lambda: connection._is_blocked)
                client.writer.transport.resume_reading()
                await client.expect(b"VALUE k 0 %d\r\n%b\r\nEND\r\n" % (len(VALUE), VALUE) * 8)
            else:
                await until(lambda: not proxy.proxy.service.connections)
                assert proxy.proxy.service.refused["unread"] == 1

    async def test_who_quits_and_still_reads_is_not_taken_for_one_who_does_not(self, pair, authority):
        words = listening(pair, "--client-timeout", "100", "--server-timeout", "20000")
        async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address, *words) as proxy:
            client = await proxy.connect(authority.trusting())
            await client.ask(b"set k 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE), b"STORED\r\n")
            client.send(b"get k\r\n" * 8 + b"quit\r\n")
            for _ in range(8):
                await client.expect(b"VALUE k 0 %d\r\n%b\r\nEND\r\n" % (len(VALUE), VALUE))
                await asyncio.sleep(0.06)
            assert proxy.proxy.service.refused["unread"] == 0

    async def test_a_connection_that_ends_without_the_end_of_tls(self, proxy, authority):
        client = await proxy.connect(authority.trusting())
        await client.ask(b"get k\r\n", b"END\r\n")
        client.writer.transport.abort()
        await until(lambda: not proxy.proxy.service.connections)


async def test_a_handshake_has_its_time(pair, authority):
    words = listening(pair, "--ssl-handshake-timeout", "100")
    async with running_proxy("--config", '{"route": "NullRoute"}', *words) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.tls_port)
        writer.write(b"\x16\x03\x01\x02")
        with suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await (await proxy.connect(authority.trusting())).ask(b"get k\r\n", b"END\r\n")


@pytest.mark.parametrize("required", [True, False])
async def test_clients_certificates(pair, authority, stranger, required):
    words = ["--server-pem-ca-path", str(authority.pem), *(["--ssl-require-peer-certs"] if required else [])]
    async with running_proxy("--config", '{"route": "NullRoute"}', *listening(pair, *words)) as proxy:
        known = await proxy.connect(authority.trusting(authority.certificate("client.test")))
        await known.ask(b"get k\r\n", b"END\r\n")
        assert await is_turned_away(proxy, authority.trusting(stranger.pair))
        assert await is_turned_away(proxy, authority.trusting()) == required


async def is_turned_away(proxy, context: ssl.SSLContext) -> bool:
    """Whether a request gets no reply; in TLS 1.3 the client thinks its handshake was good."""
    try:
        client = await proxy.connect(context)
        client.send(b"get k\r\n")
        return await client.line() == b""
    except OSError:
        return True


async def test_files_are_read_again_when_they_change(tmp_path, pair, authority, stranger, caplog):
    caplog.set_level("INFO")
    used = Pair(tmp_path / "chain", tmp_path / "key")
    pair.copied(used)

    async def issuer_is(known: Authority) -> bool:
        try:
            client = await proxy.connect(known.trusting())
        except ssl.SSLCertVerificationError:
            return False
        await client.ask(b"get k\r\n", b"END\r\n")
        return True

    words = listening(used, "--file-observer-poll-period-ms", "10")
    async with running_proxy("--config", '{"route": "NullRoute"}', *words) as proxy:
        before = await proxy.connect(authority.trusting())
        stranger.pair.copied(used)
        await until(lambda: "certificates read again" in caplog.text)
        assert (await issuer_is(stranger), await issuer_is(authority)) == (True, False)
        used.key.write_bytes(b"no key")
        await until(lambda: "Error loading the certificate chain" in caplog.text)
        assert await issuer_is(stranger)
        await before.ask(b"get k\r\n", b"END\r\n")  # has its connection as it was
        pair.copied(used)
        proxy.proxy.reload()
        assert await issuer_is(authority)


async def test_a_worker_that_is_started_later_reads_what_is_there_then(tmp_path, pair, stranger):
    used = Pair(tmp_path / "chain", tmp_path / "key")
    pair.copied(used)
    words = listening(used, "--file-observer-poll-period-ms", "0")
    tls = Tls(parse_settings(Settings, words, {}, prog="", env_prefix="", description="", version_text=""))
    newest = tls.towards_servers.context.newest
    tls.catch_up()
    assert tls.towards_servers.context.newest is newest
    stranger.pair.copied(used)
    tls.catch_up()
    assert tls.towards_servers.context.newest is not newest


def test_an_encrypted_key_is_refused_without_a_question(tmp_path, pair):
    key = tmp_path / "key"
    words = ["openssl", "pkcs8", "-topk8", "-in", str(pair.key), "-passout", "pass:secret", "-out", str(key)]
    subprocess.run(words, check=True, capture_output=True)
    with pytest.raises(ValueError, match="Error loading the certificate chain"):
        ClientTls(chain=str(pair.chain), key=str(key))


class TestServers:
    async def test_values_both_ways(self, pair, authority):
        async with MockUpstream(store_script(), tls=authority.serving(pair)) as server:
            words = secured(server, "--ssl-verify-peers", "--pem-ca-path", str(authority.pem))
            async with running_proxy(*words, "--ssl-service-identity", "cache.test") as proxy:
                client = await proxy.connect()
                await client.ask(b"set k 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE), b"STORED\r\n")
                await client.ask(b"get k\r\n" * 3, b"VALUE k 0 %d\r\n%b\r\nEND\r\n" % (len(VALUE), VALUE) * 3)
                assert server.connections == 1

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--ssl-verify-peers",), "unable to get local issuer certificate"),
            (("--ssl-verify-peers", "--pem-ca-path", "STRANGER"), "unable to get local issuer certificate"),
            (
                ("--ssl-verify-peers", "--pem-ca-path", "AUTHORITY", "--ssl-service-identity", "other.test"),
                "Hostname mismatch",
            ),
        ],
    )
    async def test_a_server_that_is_not_trusted_is_out(self, pair, authority, stranger, words, told, caplog):
        paths = {"AUTHORITY": str(authority.pem), "STRANGER": str(stranger.pem)}
        async with (
            MockUpstream(store_script(), tls=authority.serving(pair)) as server,
            running_proxy(*secured(server, *(paths.get(word, word) for word in words))) as proxy,
        ):
            client = await proxy.connect()
            client.send(b"get k\r\n")
            line = await client.line()
            assert line.startswith(b"SERVER_ERROR AsyncSocketException: connect failed: certificate verify failed: ")
            assert told.encode() in line
            await client.ask(b"get k\r\n", b"SERVER_ERROR Server unavailable. Reason: mc_res_connect_error\r\n")
            assert "marked hard TKO" in caplog.text
            assert server.lines == []

    async def test_without_verifying_any_certificate_does(self, stranger):
        async with (
            MockUpstream(store_script(), tls=stranger.serving(stranger.pair)) as server,
            running_proxy(*secured(server)) as proxy,
        ):
            await (await proxy.connect()).ask(b"get k\r\n", b"END\r\n")

    async def test_a_server_that_asks_for_a_certificate(self, pair, authority, caplog):
        asking = authority.serving(pair, asks=True)
        async with MockUpstream(store_script(), tls=asking) as server:
            async with running_proxy(*secured(server, *pair.words(""))) as proxy:
                await (await proxy.connect()).ask(b"get k\r\n", b"END\r\n")
            async with running_proxy(*secured(server)) as proxy:
                client = await proxy.connect()
                client.send(b"get k\r\n")
                assert (await client.line()).startswith(b"SERVER_ERROR ")
                await until(lambda: "marked hard TKO" in caplog.text)
                assert (len(server.lines), [found.tracker.is_tko for found in proxy.proxy.destinations]) == (1, [True])

    async def test_a_plain_server_is_out_until_it_speaks_tls(self, pair, authority, caplog):
        caplog.set_level("INFO")
        async with (
            MockUpstream(lambda line, value: b"ERROR\r\n") as server,
            running_proxy(*secured(server, "--probe-timeout-initial", "10")) as proxy,
        ):
            client = await proxy.connect()
            client.send(b"get k\r\n")
            assert (await client.line()).startswith(b"SERVER_ERROR AsyncSocketException: connect failed: ")
            await server.stop()
            server.tls = authority.serving(pair)
            server.script = store_script()
            await server.start()
            await until(lambda: "unmarked TKO" in caplog.text)
            await client.ask(b"get k\r\n", b"END\r\n")

    async def test_a_server_that_never_ends_its_handshake(self, caplog):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            async with running_proxy("--upstream", address, "--upstream-tls", "-t", "100") as proxy:
                client = await proxy.connect()
                client.send(b"get k\r\n")
                # whose time is over first, the request's or the connection's, is up to the clock
                assert re.match(
                    rb"SERVER_ERROR (Timed out when trying to connect|Client queue timeout)", await client.line()
                )
                await until(lambda: "marked hard TKO" in caplog.text)
                assert "mc_res_connect_timeout" in caplog.text

    @pytest.mark.parametrize("resumes", [True, False])
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    async def test_sessions_are_resumed_if_so_asked(self, pair, authority, resumes, version):
        serving = authority.serving(pair)
        serving.maximum_version = version
        async with (
            MockUpstream(store_script(), tls=serving) as server,
            running_proxy(*secured(server, *(["--ssl-connection-cache"] if resumes else []))) as proxy,
        ):
            client = await proxy.connect()
            await client.ask(b"get k\r\n", b"END\r\n")
            [destination] = proxy.proxy.destinations
            for _ in range(2):  # looks twice: has it done nothing since
                destination.close_if_idle()
            await client.ask(b"get k\r\n", b"END\r\n")
            assert (server.connections, server.sessions_reused) == (2, int(resumes))

    @pytest.mark.parametrize("words", [(), ("--ssl-connection-cache",)])
    async def test_on_a_unix_socket(self, tmp_path, pair, authority, words):
        path = tmp_path / "s"

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.readline():
                writer.write(b"END\r\n")
            writer.close()

        async with await asyncio.start_unix_server(answer, path, ssl=authority.serving(pair)):
            config = f'{{"pools": {{"A": {{"servers": ["unix:{path}:ascii:tls"]}}}}, "route": "PoolRoute|A"}}'
            async with running_proxy("--config", config, *words) as proxy:
                await (await proxy.connect()).ask(b"get k\r\n", b"END\r\n")

    async def test_what_a_configuration_says(self, pair, authority):
        """The same server in plain and in TLS is two; a server's own word stands above its pool's."""
        async with (
            MockUpstream(lambda line, value: b"VALUE k 0 1\r\np\r\nEND\r\n") as plain,
            MockUpstream(lambda line, value: b"VALUE k 0 1\r\ns\r\nEND\r\n", tls=authority.serving(pair)) as secure,
        ):
            for field, server, value in (
                ('"security_mech": "tls"', f"{secure.address}", b"s"),
                ('"security_mech": "ssl"', f"{plain.address}:ascii:plain", b"p"),
                ('"use_ssl": true', f"{secure.address}", b"s"),
                ('"use_ssl": true, "security_mech": "plain"', f"{plain.address}", b"p"),
                ('"use_ssl": false', f"{secure.address}:ascii:ssl:notcompressed", b"s"),
            ):
                config = f'{{"pools": {{"A": {{"servers": ["{server}"], {field}}}}}, "route": "PoolRoute|A"}}'
                async with running_proxy("--config", config) as proxy:
                    await (await proxy.connect()).ask(b"get k\r\n", b"VALUE k 0 1\r\n%b\r\nEND\r\n" % value)


@pytest.mark.parametrize("words", [("--pem-cert-path", "BAD"), ("--pem-ca-path", "BAD"), ("--ssl-port", "0", "BAD")])
async def test_files_that_cannot_be_used_end_the_start(tmp_path, words):
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    given = [str(bad) if word == "BAD" else word for word in words]
    if "--ssl-port" in words:
        given.insert(2, "--server-pem-cert-path")
    with pytest.raises(StartError) as caught:
        async with running_proxy("--config", '{"route": "NullRoute"}', *given):
            pass
    assert (caught.value.exit_code, str(bad) in caught.value.text) == (3, True)
