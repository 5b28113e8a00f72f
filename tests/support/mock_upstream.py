"""A scripted cache server: answers each request as a test says, and records what came.

    async with MockUpstream(lambda line, value: b"STORED\\r\\n") as server:
        ...
        assert server.lines == [b"set k 0 0 1"]

The script may be a coroutine function: a test then decides by an event when, and whether, an answer comes.
Probes (`version`) are answered without asking it unless `answers_probes` is False.
"""

from __future__ import annotations

import asyncio
import inspect
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

CLOSE = b"<close>"
"""As an answer, or the end of one: close the connection after what stands before it."""

SILENCE = b""
"""As an answer: none."""

Script = Callable[[bytes, bytes], bytes | Awaitable[bytes]]
STORAGE = {**dict.fromkeys((b"set", b"add", b"replace", b"append", b"prepend", b"cas"), 4), b"ms": 2}
"""Which word of the line is the value's length."""


def store_script() -> Script:
    """A tiny cache, enough for sets, gets and deletes."""
    items: dict[bytes, bytes] = {}

    def answer(line: bytes, value: bytes) -> bytes:
        verb, *words = line.split(b" ")
        if verb == b"set":
            items[words[0]] = value
            return b"STORED\r\n"
        if verb == b"get":
            found = [b"VALUE %b 0 %d\r\n%b\r\n" % (k, len(items[k]), items[k]) for k in words if k in items]
            return b"".join(found) + b"END\r\n"
        if verb == b"delete":
            return b"DELETED\r\n" if items.pop(words[0], None) is not None else b"NOT_FOUND\r\n"
        return b"ERROR\r\n"

    return answer


class MockUpstream:
    """Use as an async context manager; `port` stays the same over `stop` and `start`."""

    def __init__(
        self, script: Script, *, answers_probes: bool = True, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.script = script
        self.answers_probes = answers_probes
        self.port = port
        self.tls = tls
        self.sessions_reused = 0
        self.lines: list[bytes] = []  # without probes
        self.probes = 0
        self.connections = 0  # made so far
        self.arrived = asyncio.Event()  # set with every request; tests clear it
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the listener and every connection, and wait until they are gone."""
        assert self._server is not None
        self._server.close()
        writers = list(self._writers)
        self.cut()
        for writer in writers:
            with suppress(OSError):
                await writer.wait_closed()

    def cut(self) -> None:
        """Close every connection, in the middle of whatever."""
        for writer in list(self._writers):
            writer.close()

    async def wait_for_lines(self, count: int) -> None:
        """Until so many requests have come."""
        while len(self.lines) < count:
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), 5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.tls is not None:
            self.sessions_reused += writer.get_extra_info("ssl_object").session_reused
        self._writers.add(writer)
        try:
            while line := (await reader.readline()).rstrip(b"\r\n"):
                words, value = line.split(b" "), b""
                if words[0] in STORAGE:
                    value = (await reader.readexactly(int(words[STORAGE[words[0]]]) + 2))[:-2]
                if line == b"version" and self.answers_probes:
                    self.probes += 1
                    writer.write(b"VERSION mock\r\n")
                    continue
                self.lines.append(line)
                self.arrived.set()
                answer = self.script(line, value)
                data = await answer if inspect.isawaitable(answer) else answer
                writer.write(data.removesuffix(CLOSE))
                if data.endswith(CLOSE):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
