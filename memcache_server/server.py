"""The server: listeners, connections, every timer, and the four steps of stopping."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time

from mcdaemon import open_files, sockets
from mcdaemon.errors import StartError
from mcdaemon.log_setup import RateLimited
from memcache_server.clock import Clock
from memcache_server.commands import COMMANDS
from memcache_server.connection import Connection, Connections
from memcache_server.observation import Observation
from memcache_server.session import Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store, StoreOptions
from memcache_server.verbose import verbose_commands

logger = logging.getLogger("memcache_server")

_TICK_S = 1.0
_REAP_PAUSE_S = 0.02
_REAP_BUDGET = 1000  # items freed in one go: about two milliseconds
_LIMIT_GROWTH = 4  # how far cache_memlimit can raise -m
_CRAWL_BUDGET = 1000  # chunks looked at in one go: about two milliseconds
_CANNOT_LISTEN_EXIT = 71


class Server:
    """A daemon for `mcdaemon.lifecycle.run`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        options = StoreOptions(
            memory_limit=settings.maxbytes,
            limit_growth=1 if getattr(settings, "lock_memory", False) else _LIMIT_GROWTH,
            item_size_max=settings.item_size_max,
            growth_factor=settings.growth_factor,
            chunk_minimum=settings.chunk_size,
            evictions=not settings.disable_evictions,
        )
        try:
            store = Store(options)
        except (ValueError, OSError) as error:
            raise StartError(f"-m/--memory-limit: {error}") from error
        self._foreign = RateLimited(logger, time.monotonic)
        self.shared = Shared(settings, store, Stats(), Clock(), verbosity=min(2, settings.verbose))
        self.shared.warn = self._warn
        self.shared.reap = self._start_reaping
        self.shared.set_verbosity = self._set_verbosity
        self._observation = Observation(self.shared, COMMANDS)
        self.shared.observe = self._observation.refresh
        self.shared.crawl = self._crawl
        self._listeners: list[asyncio.Server] = []
        self._sockets: list[socket.socket] = []
        self._connections: Connections | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ready = False

    def _warn(self, kind: str, text: str) -> None:
        self._foreign.log(kind, logging.WARNING, "%s", text)

    async def start(self) -> None:
        """Open the listeners. Raises StartError."""
        loop = asyncio.get_running_loop()
        self._connections = Connections(loop, self.settings.item_size_max)
        self.shared.peers = lambda: self._connections.open if self._connections else ()
        self.shared.soon = loop.call_soon
        self._tick()
        self._sockets = self.shared.listeners = self._open_sockets()
        unix = bool(self.settings.unix_socket)
        backlog = self.settings.backlog
        for listener in self._sockets:
            create = loop.create_unix_server if unix else loop.create_server
            self._listeners.append(await create(self._new_connection, sock=listener, backlog=backlog))
        if not unix and self._sockets:
            self.shared.port = self._sockets[0].getsockname()[1]
        self._announce()
        self._ready = True

    def _open_sockets(self) -> list[socket.socket]:
        settings = self.settings
        if settings.unix_socket:
            mode, backlog = settings.unix_mask, settings.backlog
            return [sockets.open_unix(settings.unix_socket, mode=mode, backlog=backlog, exit_code=_CANNOT_LISTEN_EXIT)]
        if not settings.port:
            return []
        try:
            addresses = [sockets.parse_address(text, settings.port) for text in settings.listen or ("",)]
        except ValueError as error:
            raise StartError(f"-l/--listen: {error}", _CANNOT_LISTEN_EXIT) from error
        return sockets.open_tcp(addresses, backlog=settings.backlog, exit_code=_CANNOT_LISTEN_EXIT)

    def _announce(self) -> None:
        settings = self.settings
        if not open_files.allow(settings.conn_limit):
            logger.warning("-c %d: the limit of open files (ulimit -n) does not allow so many", settings.conn_limit)
        if os.geteuid() == 0 and not settings.user:
            logger.warning("running as root; the original would refuse without -u, and another user is safer")
        if settings.threads > 1:
            logger.warning("-t %d: one process serves; for more cores start more servers", settings.threads)
        if settings.ignored:
            logger.warning("without effect here: %s", " ".join(settings.ignored))
        where = ", ".join(_shown(listener) for listener in self._sockets) or "nowhere (-p 0)"
        logger.info("listening on %s, %d MB for items", where, settings.memory_limit)
        if self.shared.verbosity >= 2:
            self._show_slab_classes()

    def _show_slab_classes(self) -> None:
        classes = self.shared.store.classes
        for number, (size, per_page) in enumerate(zip(classes.sizes, classes.chunks_per_page, strict=True), 1):
            print(f"slab class {number:3d}: chunk size {size:9d} perslab {per_page:7d}", file=sys.stderr)

    def _new_connection(self) -> Connection:
        assert self._connections is not None
        commands = self._observation.commands
        if self.shared.verbosity >= 2:
            number = self.shared.stats.total_connections
            return Connection(self._connections, verbose_commands(commands, number), self.shared)
        return Connection(self._connections, commands, self.shared)

    def _set_verbosity(self, level: int) -> None:
        self.shared.verbosity = level
        logging.getLogger().setLevel(logging.INFO if level else logging.WARNING)

    # timers

    def _tick(self) -> None:
        self.shared.store.tick(self.shared.clock.tick())
        if self.shared.store.may_reap:
            self._start_reaping()
        self._timers["tick"] = asyncio.get_running_loop().call_later(_TICK_S, self._tick)

    def _start_reaping(self) -> None:
        if "reap" not in self._timers:
            self._timers["reap"] = asyncio.get_running_loop().call_later(_REAP_PAUSE_S, self._reap)

    def _reap(self) -> None:
        del self._timers["reap"]
        if self.shared.store.reap(_REAP_BUDGET):
            self._start_reaping()

    def _crawl(self) -> None:
        """One step of the crawl; the next after a pause."""
        if self.shared.crawler.step(_CRAWL_BUDGET):
            pause = max(_REAP_PAUSE_S, self.shared.tunables.lru_crawler_sleep / 1e6)
            self._timers["crawl"] = asyncio.get_running_loop().call_later(pause, self._crawl)
        else:
            self.shared.watchers.log(b"sysevents", "type=lru_crawler status=done")

    # stopping

    def unready(self) -> None:
        """/readyz says no."""
        self._ready = False

    def stop_accepting(self) -> None:
        """Close the listeners."""
        for listener in self._listeners:
            listener.close()
        sockets.close_all(self._sockets)

    async def drain(self) -> None:
        """Idle clients are closed, the others once their requests are answered."""
        assert self._connections is not None
        await self._connections.drain()

    def close(self) -> None:
        """Drop what is left."""
        for timer in self._timers.values():
            timer.cancel()
        self.stop_accepting()
        for connection in list(self._connections.open) if self._connections else ():
            connection.abort()
        self._foreign.flush()

    def reload(self) -> None:
        """SIGHUP: nothing to read again."""

    def ready(self) -> tuple[bool, str]:
        """For /readyz."""
        return self._ready, "ready" if self._ready else "not ready"


def _shown(listener: socket.socket) -> str:
    name = listener.getsockname()
    with contextlib.suppress(TypeError):
        return str(sockets.Address(*name[:2])) if not isinstance(name, str) else name
    return str(name)
