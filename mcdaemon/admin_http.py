"""The admin port: /metrics, /healthz, /readyz. aiohttp and prometheus_client are loaded when it starts.

Loading them takes longer than the whole rest of a start, so it happens in a thread after the daemon
already serves; the port itself is bound before, so that one in use is told at once.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mcdaemon import metrics, sockets
from mcdaemon.errors import StartError

if TYPE_CHECKING:
    from aiohttp import web
    from prometheus_client import Metric

_BACKLOG = 128
_LAST_ANSWERS_S = 0.5  # for answers under way when the server is stopped


class AdminServer:
    """HTTP for operators and probes, on an address of its own.

    `collect` gives the metric families of one scrape; `ready` whether clients may be sent here, and a
    short text that says why (not). Both are called on the event loop and must be quick.
    """

    def __init__(
        self,
        address: sockets.Address,
        collect: Callable[[], Iterable[Metric]],
        ready: Callable[[], tuple[bool, str]],
        *,
        exit_code: int = sockets.CANNOT_LISTEN_EXIT,
    ) -> None:
        self._address = address
        self._collect = collect
        self._ready = ready
        self._exit_code = exit_code
        self._listeners: list[socket.socket] = []
        self._runner: web.ServerRunner | None = None

    @property
    def port(self) -> int:
        """The bound port, also when the address said 0; 0 before `bind`."""
        return int(self._listeners[0].getsockname()[1]) if self._listeners else 0

    def bind(self) -> None:
        """Take the port. Raises StartError."""
        if not self._listeners:
            self._listeners = sockets.open_tcp([self._address], backlog=_BACKLOG, exit_code=self._exit_code)

    @staticmethod
    def load() -> None:
        """Load the libraries, if not done: `start` does, and who changes its user before. Raises StartError."""
        try:
            for name in ("aiohttp.web", "prometheus_client.exposition", "prometheus_client.openmetrics.exposition"):
                importlib.import_module(name)
        except ImportError as error:
            raise StartError(f"the admin port needs aiohttp and prometheus-client: {error}") from error

    async def start(self) -> None:
        """Answer requests. Raises StartError."""
        self.bind()
        await asyncio.get_running_loop().run_in_executor(None, self.load)
        from aiohttp import web

        server = web.Server(self._answer, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=_LAST_ANSWERS_S)
        await runner.setup()
        for listener in self._listeners:
            await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        self._runner = runner

    async def stop(self) -> None:
        """Close the port and its connections."""
        if self._runner is not None:
            await self._runner.cleanup()
        sockets.close_all(self._listeners)
        self._runner, self._listeners = None, []

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        from aiohttp import web

        answer = {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz}.get(request.path)
        if answer is None:
            return web.Response(status=404, text="not found: try /metrics, /healthz or /readyz\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"}, text="only GET and HEAD\n")
        status, content_type, body = answer(request)
        return web.Response(status=status, headers={"Content-Type": content_type}, body=body)

    def _metrics(self, request: web.BaseRequest) -> tuple[int, str, bytes]:
        body, content_type = metrics.render(self._collect, request.headers.get("Accept", ""))
        return 200, content_type, body

    def _healthz(self, request: web.BaseRequest) -> tuple[int, str, bytes]:
        return 200, _PLAIN, b"ok\n"

    def _readyz(self, request: web.BaseRequest) -> tuple[int, str, bytes]:
        ready, why = self._ready()
        return 200 if ready else 503, _PLAIN, f"{why}\n".encode()


_PLAIN = "text/plain; charset=utf-8"
