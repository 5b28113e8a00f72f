"""A server that answers before it has read the value, and hangs up."""

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager

import pytest

from tests.support.running_proxy import running_proxy

VALUE = b"x" * (2 << 20)


@asynccontextmanager
async def hasty_server(answer, reset):
    """Reads one line, answers, and closes: in order, or with what is unread (RST)."""

    async def serve(reader, writer):
        await reader.readline()
        writer.write(answer)
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("answer", [b"STORED\r\n", b"SERVER_ERROR object too large for cache\r\n"])
async def test_what_it_said_counts(answer, reset):
    async with hasty_server(answer, reset) as port:
        config = json.dumps({"pools": {"A": {"servers": [f"127.0.0.1:{port}"]}}, "route": "PoolRoute|A"})
        for _ in range(5):
            async with running_proxy("--config", config) as proxy:
                client = await proxy.connect()
                await client.ask(b"set k 0 0 %d\r\n%b\r\n" % (len(VALUE), VALUE), answer)
