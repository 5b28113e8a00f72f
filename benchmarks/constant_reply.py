"""The floor: a uvloop server that answers every read with one constant reply. `python -m ... PORT`."""

import asyncio
import sys
from typing import cast

import uvloop

REPLY = b"VALUE key:00000000 0 100\r\n" + b"x" * 100 + b"\r\nEND\r\n"


class _Constant(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast(asyncio.Transport, transport).write  # uvloop's is none by name

    def data_received(self, data: bytes) -> None:
        self._write(b"STORED\r\n" if data[:1] == b"s" else REPLY)


async def _main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Constant, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
