"""Clients that speak something else, and what the log says of them."""

import asyncio
import socket
import struct

import pytest

from tests.support.mock_upstream import MockUpstream, store_script
from tests.support.running_proxy import running_proxy, until

BINARY_GET = struct.pack(">BBHBBHIII", 0x80, 0x00, 1, 0, 0, 0, 1, 0xCAFE, 0) + b"\0" * 4 + b"k"
TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40


@pytest.fixture
async def proxy():
    async with MockUpstream(store_script()) as server, running_proxy("--upstream", server.address) as proxy:
        yield proxy


async def test_the_binary_protocol_gets_one_binary_refusal(proxy, caplog):
    client = await proxy.connect()
    client.send(BINARY_GET)
    reply = await client.reader.read()
    magic, opcode, _, _, _, status, length, opaque = struct.unpack(">BBHBBHII", reply[:16])
    assert (magic, opcode, status, opaque) == (0x81, 0x00, 0x0081, 0xCAFE)
    assert reply[24:] == b"binary protocol not supported, use text"
    assert len(reply) == 24 + length
    assert "it speaks the binary protocol, closed" in caplog.text
    assert proxy.proxy.service.refused["binary"] == 1


@pytest.mark.parametrize(
    ("hello", "kind", "words"),
    [(TLS_HELLO, "tls", "it speaks TLS"), (b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "http", "it speaks HTTP")],
)
async def test_tls_and_http_are_closed_silently(proxy, caplog, hello, kind, words):
    client = await proxy.connect()
    client.send(hello)
    await client.expect_end()
    assert words in caplog.text
    assert proxy.proxy.service.refused[kind] == 1


async def test_a_value_may_begin_with_any_byte(proxy):
    client = await proxy.connect()
    client.send(b"set k 0 0 2\r\n")
    await client.writer.drain()
    await client.ask(b"\x80\x16\r\n", b"STORED\r\n")


async def test_the_log_is_not_flooded(proxy, caplog):
    for _ in range(30):
        client = await proxy.connect()
        client.send(b"bogus\r\n")
        await client.expect(b"CLIENT_ERROR malformed request\r\n")
        await client.expect_end()
    assert proxy.proxy.service.refused["malformed"] == 30
    assert 0 < caplog.text.count("a malformed request, closed") <= 10


async def test_pipelined_requests_beyond_a_turn_are_all_answered(proxy):
    client = await proxy.connect()
    await client.ask(b"get a\r\n" * 5000, b"END\r\n" * 5000)


async def test_quit_closes_after_the_replies(proxy):
    client = await proxy.connect()
    client.send(b"get a\r\nquit\r\nget b\r\n")
    await client.expect(b"END\r\n")
    await client.expect_end()
    await until(lambda: not proxy.proxy.service.connections)


async def test_a_client_that_takes_nothing_for_the_timeout_is_dropped_and_a_slow_one_is_not(caplog):
    value = b"VALUE k 0 500000\r\n%b\r\nEND\r\n" % (b"x" * 500_000)
    async with MockUpstream(lambda line, text: value) as server:
        words = ("--upstream", server.address, "--client-timeout", "300", "-t", "20000")
        async with running_proxy(*words) as proxy:
            slow, deaf = await proxy.connect(), await proxy.connect()
            for client in (slow, deaf):
                peer = client.writer.transport.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            slow.send(b"get k\r\n" * 40)
            deaf.reader._transport.pause_reading()
            deaf.send(b"get k\r\n" * 40)
            for _ in range(40):
                await slow.expect(value)
                await asyncio.sleep(0.03)
            await until(lambda: len(proxy.proxy.service.connections) == 1)
            assert "it does not read its replies" in caplog.text
            await slow.ask(b"get k\r\n", value)


@pytest.mark.parametrize("value_length", [40_000, 500_000])  # without, and with a transport that asks for a pause
async def test_who_quits_and_then_takes_nothing_is_dropped_too(caplog, value_length):
    value = b"VALUE k 0 %d\r\n%b\r\nEND\r\n" % (value_length, b"x" * value_length)
    async with (
        MockUpstream(lambda line, text: value) as server,
        running_proxy("--upstream", server.address, "--client-timeout", "200") as proxy,
    ):
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", proxy.port))
            await until(lambda: proxy.proxy.service.connections)
            (client,) = proxy.proxy.service.connections
            peer = client._transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            deaf.sendall(b"get k\r\nquit\r\n")
            await until(client._transport.is_closing)
            assert client._transport.get_write_buffer_size()
            await until(lambda: not proxy.proxy.service.connections)
    assert "it does not read its replies" in caplog.text
