"""The sample application's telnet, which a reader types the tutorial's lines into."""

import asyncio
import sys

from tests.deploy.conftest import REPOSITORY

TELNET = REPOSITORY / "deploy/sample-application/telnet"
PIPE = asyncio.subprocess.PIPE


async def test_lines_go_out_with_crlf_and_replies_are_shown() -> None:
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            received.extend(line)
            writer.write(b"STORED\r\n" if line == b"hello\r\n" else b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(TELNET), "127.0.0.1", str(port), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        shown, errors = await process.communicate(b"set mykey 0 0 5\nhello\n")
    assert bytes(received) == b"set mykey 0 0 5\r\nhello\r\n"
    assert (process.returncode, errors) == (0, b"")
    assert shown.splitlines()[1:] == [b"STORED", b"Connection closed by foreign host."]


async def test_nobody_there_is_one_line() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(TELNET), "127.0.0.1", "1", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
