"""A proxy before real servers, the original's and ours, each of which a test can ask past the proxy."""

import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.support.processes import memcache_server_command, memcached_command, running
from tests.support.running_proxy import running_proxy


class Direct:
    """A connection to one server, past the proxy."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def ask(self, text):
        """The reply: a line, or all up to END."""
        self.writer.write(text)
        reply = await self.reader.readline()
        if reply.startswith(b"VALUE "):
            reply += await self.reader.readuntil(b"END\r\n")
        return reply

    async def seen(self, text, reply):
        """Wait for what the proxy does in the background."""
        deadline = time.monotonic() + 10
        while (got := await self.ask(text)) != reply:
            assert time.monotonic() < deadline, f"still {got!r}"
            await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def addresses():
    """One server of each kind for all tests here; each begins with both empty."""
    with running(memcached_command) as original, running(memcache_server_command) as ours:
        yield {"memcached": original.address, "ours": ours.address}


@pytest.fixture
def fleet(addresses):
    """`async with fleet(kinds, route, ...)`: the proxy's client, a direct connection to each server, the proxy.

    Pools are A, B, ... of one server each.
    """

    @asynccontextmanager
    async def started(kinds, route, *options, **fields):
        async with AsyncExitStack() as stack:
            directs = []
            for kind in kinds:
                directs.append(Direct(*await asyncio.open_connection(*addresses[kind])))
                stack.callback(directs[-1].writer.close)
                assert await directs[-1].ask(b"flush_all\r\n") == b"OK\r\n"
            pools = {
                name: {"servers": [f"127.0.0.1:{addresses[kind][1]}"]} for name, kind in zip("AB", kinds, strict=False)
            }
            tree = {"type": route, **fields} if fields else route
            config = json.dumps({"pools": pools, "route": tree})
            proxy = await stack.enter_async_context(running_proxy("--config", config, *options))
            yield await proxy.connect(), directs, proxy.proxy

    return started
