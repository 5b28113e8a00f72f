"""The server: listeners, connections, every timer, and the four steps of stopping."""

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path

from mcdaemon import open_files, process, sockets
from mcdaemon.errors import StartError
from mcdaemon.log_setup import RateLimited
from memcache_server.auth import PasswordFile
from memcache_server.clock import Clock
from memcache_server.commands import COMMANDS, DEBUG_COMMANDS
from memcache_server.connection import Connection
from memcache_server.connections import Connections
from memcache_server.crawl_upkeep import CrawlUpkeep
from memcache_server.listeners import Listeners
from memcache_server.observation import Observation
from memcache_server.page_upkeep import PageUpkeep
from memcache_server.plain_requests import take_plain
from memcache_server.session import Shared
from memcache_server.settings import Settings
from memcache_server.stats import Stats
from memcache_server.store import Store, StoreOptions
from memcache_server.store.arena import NO_FILE
from memcache_server.timed_connection import TimedConnection
from memcache_server.tls import Tls
from memcache_server.upkeep import LruUpkeep
from memcache_server.verbose import verbose_commands
from memcache_server.warm_restart import WarmRestart

logger = logging.getLogger("memcache_server")

_TICK_LATE_S = 0.002  # after the second has begun: the loop counts in milliseconds, and must not come early
_ONE_TURN_S = 0.001  # the least that uvloop does not take for `at once`
_REAP_PAUSE_S = 0.02
_REAP_BUDGET = 1000  # items freed in one go: about two milliseconds
_LIMIT_GROWTH = 4  # how far cache_memlimit can raise -m
_GROW_PAUSE_S = 0.02
_GROW_BUDGET = 2000  # slots of the index moved in one go: about a millisecond
_PORT_FILE_VARIABLE = "MEMCACHED_PORT_FILENAME"


class Server:
    """A daemon for `mcdaemon.lifecycle.run`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._restart = WarmRestart(settings.memory_file) if settings.memory_file else None
        options = StoreOptions(
            memory_limit=settings.maxbytes,
            limit_growth=1 if settings.lock_memory else _LIMIT_GROWTH,
            item_size_max=settings.item_size_max,
            growth_factor=settings.growth_factor,
            chunk_minimum=settings.chunk_size,
            evictions=not settings.disable_evictions,
            cas=not settings.disable_cas,
            hash_power=settings.options.hashpower_init or 16,
            chunk_max=settings.options.slab_chunk_max,
            slab_sizes=settings.options.slab_sizes,
            segmented=settings.options.lru_maintainer,
            file=NO_FILE if self._restart is None else self._restart.descriptor,
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
        commands = {**COMMANDS, **DEBUG_COMMANDS} if settings.options.debug_commands else COMMANDS
        self._observation = Observation(self.shared, commands)
        self.shared.observe = self._observation.refresh
        for tunables in (self.shared.tunables, store.tuning):
            for field in dataclasses.fields(tunables):
                if getattr(settings.options, field.name, None) is not None:
                    setattr(tunables, field.name, getattr(settings.options, field.name))
        ttl = settings.options.temporary_ttl
        store.tuning.temp_lru = ttl is not None and ttl >= 0
        if self.shared.prefixes.enabled:  # -D
            self._observation.refresh()
        timed = settings.options.idle_timeout or settings.unix_socket
        self._connection = TimedConnection if timed else Connection
        self._pid_file = process.PidFile(settings.pid_file)
        self._tls: Tls | None = None
        self._listeners: Listeners | None = None
        self._connections: Connections | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._upkeep: LruUpkeep | None = None
        self._pages: PageUpkeep | None = None
        self._crawls: CrawlUpkeep | None = None
        self._ready = False

    def _warn(self, kind: str, text: str) -> None:
        self._foreign.log(kind, logging.WARNING, "%s", text)

    async def start(self) -> None:
        """Open the listeners. Raises StartError."""
        settings, shared = self.settings, self.shared
        loop = asyncio.get_running_loop()
        self._connections = Connections(loop)
        shared.peers = lambda: self._connections.open if self._connections else ()
        shared.soon = loop.call_soon
        self._load_secrets()
        context = None if self._tls is None else self._tls.context
        self._listeners = Listeners(settings, self._new_connection, context)
        self._listeners.open()
        shared.listeners = self._listeners.sockets
        self._settle_process()
        if self._restart is not None:
            await self._restart.begin(shared.store, shared.clock)
        self._crawls = CrawlUpkeep(loop, shared)
        self._tick()
        if settings.options.lru_maintainer:
            self._upkeep = LruUpkeep(loop, shared.maintainer)
            self._upkeep.start()
        self._pages = PageUpkeep(loop, shared)
        if not settings.options.maxconns_fast:
            self._connections.wait_at_limit(settings.conn_limit, shared.stats, self._listeners)
        await self._listeners.serve()
        if not settings.unix_socket and self._listeners.sockets:
            shared.port = self._listeners.sockets[0].getsockname()[1]
        self._announce(self._listeners.sockets)
        self._write_files(self._listeners)
        self._ready = True

    def _settle_process(self) -> None:
        """Before the first client, and after what may need root: low ports, keys, raised limits."""
        settings = self.settings
        if not open_files.allow(settings.conn_limit):
            logger.warning("-c %d: the limit of open files (ulimit -n) does not allow so many", settings.conn_limit)
        if settings.core_files:
            process.allow_core_files()
        if settings.user:
            process.switch_user(settings.user, [path for path in (settings.unix_socket, settings.memory_file) if path])
        if settings.lock_memory and (problem := process.lock_memory()):
            logger.warning("-k invalid, mlockall() failed: %s", problem)

    def _load_secrets(self) -> None:
        settings, shared = self.settings, self.shared
        if settings.tls:
            self._tls = Tls(settings.options, lambda: shared.clock.now)
            shared.tls = self._tls
        if settings.auth_file:
            try:
                shared.passwords = PasswordFile(settings.auth_file)
            except (OSError, ValueError) as error:
                raise StartError(f"-Y/--auth-file: {error}") from error

    def _write_files(self, listeners: Listeners) -> None:
        """The pid file and the file of ports; a server without them is still one."""
        ports = os.environ.get(_PORT_FILE_VARIABLE)
        try:
            if ports and not self.settings.unix_socket:
                listeners.write_ports(Path(ports))
            if self.settings.pid_file:
                self._pid_file.write()
        except OSError as error:
            logger.warning("Could not open %s for writing: %s", error.filename, error.strerror)

    def _announce(self, listening: list[socket.socket]) -> None:
        settings = self.settings
        if os.geteuid() == 0 and not settings.user:
            logger.warning("running as root; the original would refuse without -u, and another user is safer")
        if settings.threads > 1:
            logger.warning("-t %d: one process serves; for more cores start more servers", settings.threads)
        if settings.large_pages and not self.shared.store.arena.ask_for_large_pages():
            logger.warning("-L: the system has no large pages for this memory")
        where = ", ".join(_shown(listener) for listener in listening) or "nowhere (-p 0)"
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
            return self._connection(self._connections, verbose_commands(commands, number), self.shared)
        return self._connection(self._connections, commands, self.shared, take_plain)

    def _set_verbosity(self, level: int) -> None:
        self.shared.verbosity = level
        logging.getLogger().setLevel(logging.INFO if level else logging.WARNING)

    # timers

    def _tick(self) -> None:
        now = self.shared.clock.tick()
        self.shared.store.tick(now)
        loop = asyncio.get_running_loop()
        if self.settings.options.idle_timeout and self._connections is not None:
            # once the sockets were looked at: after a stall, what clients have asked meanwhile is read first
            loop.call_later(_ONE_TURN_S, self._connections.close_idle, now - self.settings.options.idle_timeout)
        if self._pages is not None:
            self._pages.tick(now)
        if self._crawls is not None:
            self._crawls.tick(now)
        if self.shared.store.may_reap:
            self._start_reaping()
        if self.shared.store.index.growing and "index" not in self._timers:
            self._grow_index()
        after = self.shared.clock.until_next() + _TICK_LATE_S
        self._timers["tick"] = loop.call_later(after, self._tick)

    def _grow_index(self) -> None:
        """Insertions move the index's entries; this is for when there are none, since two tables are slow to read."""
        self._timers.pop("index", None)
        self.shared.store.index.move(_GROW_BUDGET)
        if self.shared.store.index.growing:
            self._timers["index"] = asyncio.get_running_loop().call_later(_GROW_PAUSE_S, self._grow_index)

    def _start_reaping(self) -> None:
        if "reap" not in self._timers:
            self._timers["reap"] = asyncio.get_running_loop().call_later(_REAP_PAUSE_S, self._reap)

    def _reap(self) -> None:
        del self._timers["reap"]
        if self.shared.store.reap(_REAP_BUDGET):
            self._start_reaping()

    # stopping

    def unready(self) -> None:
        """/readyz says no."""
        self._ready = False

    def stop_accepting(self) -> None:
        """Close the listeners."""
        if self._listeners is not None:
            self._listeners.close()

    async def drain(self) -> None:
        """Idle clients are closed, the others once their requests are answered."""
        assert self._connections is not None
        await self._connections.drain()

    def close(self) -> None:
        """Drop what is left."""
        for timer in self._timers.values():
            timer.cancel()
        if self._upkeep is not None:
            self._upkeep.stop()
        if self._pages is not None:
            self._pages.stop()
        if self._crawls is not None:
            self._crawls.stop()
        self.stop_accepting()
        for connection in list(self._connections.open) if self._connections else ():
            connection.abort()
        if self._restart is not None:
            self._restart.end(self.shared.store, self.shared.clock)
        self._pid_file.remove()
        self._foreign.flush()

    def graceful(self) -> None:
        """SIGUSR1, or `shutdown graceful`."""
        print("Gracefully stopping", file=sys.stderr, flush=True)
        if self._restart is not None:
            self._restart.graceful = True
        os.kill(os.getpid(), signal.SIGTERM)

    def reload(self) -> None:
        """SIGHUP: read passwords and certificates again. Raises OSError, ValueError."""
        if self.shared.passwords is not None:
            self.shared.passwords.reload()
        if self._tls is not None:
            self._tls.refresh()

    def ready(self) -> tuple[bool, str]:
        """For /readyz."""
        return self._ready, "ready" if self._ready else "not ready"


def _shown(listener: socket.socket) -> str:
    name = listener.getsockname()
    with contextlib.suppress(TypeError):
        return str(sockets.Address(*name[:2])) if not isinstance(name, str) else name
    return str(name)
