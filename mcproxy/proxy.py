"""One worker of the proxy: its listeners, its view of the servers, the tree in force, and the end.

    config text ──────────► config/builder ───┐
    discovery watchers ───► config/upstreams ─┴─► ProxyConfig ──one assignment──► service.routing
                                                     └─► destinations no tree leads to any more drain

Whatever goes wrong while a tree is built, the one in force stays, and the failure is counted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Callable, Sequence

from discovery.endpoint import Change, EndpointSet
from discovery.refresh_policy import RefreshPolicy
from discovery.resolver import Resolver
from discovery.service_name import Lookup, parse_target
from discovery.watcher import Watcher
from mcdaemon.errors import StartError
from mcdaemon.log_setup import RateLimited
from mcproxy.admin import View, stats_text
from mcproxy.client_connection import ClientConnection
from mcproxy.config import builder
from mcproxy.config.builder import ProxyConfig
from mcproxy.config.source import Source
from mcproxy.config.upstreams import INDEX_HASHES, POOL_NAME, build_upstreams
from mcproxy.config_error import ConfigError
from mcproxy.host_id import host_id
from mcproxy.routes.background import Background
from mcproxy.routes.context import RouteContext
from mcproxy.routes.pool import nothing_found
from mcproxy.service import ClientLimits, Routing, Service
from mcproxy.settings import UPSTREAM_PORT, Settings
from mcproxy.snapshot import Board, WorkerSnapshot, snapshot_servers
from mcproxy.stats import Stats
from mcproxy.tick import Tick
from mcproxy.upstream.destination import Surroundings, TkoCount, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

log = logging.getLogger(__name__)

CONFIG_EXIT = 3
PUBLISH_S = 1.0
FIRST_LOOKUP_S = 5.0


class Proxy:
    """A lifecycle.Daemon. `on_clients` is called with the listeners' ports when clients are served."""

    def __init__(
        self,
        settings: Settings,
        listeners: Sequence[socket.socket],
        stats: Stats,
        board: Board,
        view: View,
        *,
        worker: int = 0,
        upstreams: Sequence[str] = (),
        version_line: bytes = b"VERSION mcrouter\r\n",
    ) -> None:
        self._settings = settings
        self._listeners = listeners
        self._stats = stats
        self._board = board
        self._view = view
        self._worker = worker
        self._version_line = version_line
        self._source = Source.of(settings.config_text) if settings.config_text else None
        self._upstreams = upstreams or settings.upstream
        self._options = upstream_options(settings)
        self._servers: list[asyncio.Server] = []
        self._watchers: list[Watcher] = []
        self._is_watching = False  # the first tree is built; every change builds the next
        self._is_leaving = False
        self._publish_timer: asyncio.TimerHandle | None = None
        self._drained = asyncio.Event()
        self._service: Service | None = None  # from `start` on, as the next two
        self._destinations: DestinationMap | None = None
        self._context: RouteContext | None = None

    @property
    def service(self) -> Service:
        """What this worker's clients share; from `start` on."""
        assert self._service is not None
        return self._service

    @property
    def destinations(self) -> DestinationMap:
        """All servers known; from `start` on."""
        assert self._destinations is not None
        return self._destinations

    # lifecycle.Daemon

    async def start(self) -> None:
        """Build the first tree, then listen. An unreadable config ends the start, an unknown name does not."""
        loop = asyncio.get_running_loop()
        tick = Tick(loop.call_soon)
        shared = Surroundings(loop, tick, TkoCount(), on_unreachable=self._look_again)
        self._destinations = DestinationMap(shared)
        self._context = self._route_context(loop)
        settings = self._settings
        self._service = Service(
            Routing(nothing_found(POOL_NAME)),
            tick,
            loop,
            limits=ClientLimits(outstanding_requests=settings.max_client_outstanding_reqs),
            flush_enabled=settings.enable_flush_cmd,
            version_line=self._version_line,
        )
        self.service.stats_text = self._stats_text
        if self._source is not None:
            try:
                self._swap(self._build_from_source())
            except ConfigError as error:
                raise StartError(f"mcproxy: {_told(error, self._source)}", CONFIG_EXIT) from None
        else:
            await self._start_watching()
        await self._listen(loop)
        self._publish()

    def unready(self) -> None:
        """From now on /readyz says no."""
        self._is_leaving = True
        self._publish()

    def stop_accepting(self) -> None:
        """Close the listeners."""
        for server in self._servers:
            server.close()

    async def drain(self) -> None:
        """Every client gets the replies it waits for; then its connection is closed."""
        self.service.on_last_gone = self._drained.set
        for client in list(self.service.connections):
            client.finish()
        if self.service.connections:
            await self._drained.wait()

    def close(self) -> None:
        """Drop what is left."""
        self._is_leaving = True
        self.stop_accepting()
        if self._publish_timer is not None:
            self._publish_timer.cancel()
        for watcher in self._watchers:
            asyncio.ensure_future(watcher.stop())  # noqa: RUF006  (the loop ends its tasks itself)
        if self._service is not None:
            for client in list(self.service.connections):
                client.abort()
            self.destinations.close()

    def reload(self) -> None:
        """Read the configuration again, or look the servers up again."""
        if self._source is None:
            self._look_again()
            return
        try:
            self._swap(self._build_from_source())
        except ConfigError as error:
            self._stats.config_failures += 1
            log.error("%s; the configuration in force stays", _told(error, self._source))
        else:
            log.info("configuration reloaded from %s", self._source.name)

    def ready(self) -> tuple[bool, str]:
        """Whether clients may be sent here, and why (not)."""
        if self._is_leaving:
            return False, "stopping"
        if self._service is None:
            return False, "starting"
        count = len(self.service.routing.destinations)
        servers_from = self._view.facts.servers_from
        if self._source is None and not count:
            return False, f"no servers found yet: {servers_from}"
        return True, f"ready: {count} server{'' if count == 1 else 's'}, {servers_from}"

    # the tree

    def _route_context(self, loop: asyncio.AbstractEventLoop) -> RouteContext:
        counters = self._stats.route_counters
        return RouteContext(
            loop.time,
            time.time,
            loop.call_later,
            random.random,
            host_id(),
            self._worker,
            counters,
            Background(counters),
        )

    def _build_from_source(self) -> ProxyConfig:
        assert self._source is not None
        assert self._context is not None
        self._stats.config_last_attempt = int(time.time())
        try:
            return builder.build(self._source.read(), self.destinations, self._options, self._context)
        except ConfigError:
            self.destinations.keep(self.service.routing.destinations)
            raise

    async def _start_watching(self) -> None:
        """Follow every --upstream; waits a few seconds at most for the first answers."""
        settings = self._settings
        resolver = Resolver(settings.nameserver)
        policy = RefreshPolicy(grace_s=settings.discovery_grace / 1000, expect=settings.expect or None)
        targets = [parse_target(text, UPSTREAM_PORT) for text in self._upstreams]
        for target in targets:
            self._watchers.append(Watcher(target, resolver, policy, self._on_change))
            if settings.hash in INDEX_HASHES and target.lookup is Lookup.ADDRESSES:
                log.warning(
                    "%s: addresses have no names, so --hash %s moves most keys when one changes; use ring, or dnssrv+",
                    target,
                    settings.hash,
                )
        await asyncio.gather(*(watcher.start(FIRST_LOOKUP_S) for watcher in self._watchers))
        self._is_watching = True
        self._rebuild()

    def _on_change(self, endpoints: EndpointSet, change: Change) -> None:
        if self._is_watching:
            self._rebuild()

    def _rebuild(self) -> None:
        sets = [watcher.current for watcher in self._watchers]
        self._stats.config_last_attempt = int(time.time())
        try:
            self._swap(build_upstreams(sets, self._settings.hash, self.destinations, self._options))
        except ValueError as error:
            self.destinations.keep(self.service.routing.destinations)
            self._stats.config_failures += 1
            log.error("--upstream: %s; the servers in force stay", error)

    def _swap(self, config: ProxyConfig) -> None:
        self.service.routing = Routing(config.root, config.destinations)
        for destination in self.destinations.keep(config.destinations):
            self._stats.on_removed(destination)
        self._stats.config_last_success = int(time.time())

    def _look_again(self) -> None:
        for watcher in self._watchers:
            watcher.refresh_now()

    # clients and statistics

    async def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        lines = RateLimited(logging.getLogger("mcproxy.clients"), loop.time)
        factory: Callable[[], ClientConnection] = lambda: ClientConnection(self.service, lines)  # noqa: E731
        for listener in self._listeners:
            server = await loop.create_server(factory, sock=listener, backlog=self._settings.tcp_listen_backlog)
            self._servers.append(server)

    def _publish(self) -> None:
        """Tell the other workers, now and every second."""
        if self._publish_timer is not None:
            self._publish_timer.cancel()
        is_ready, text = self.ready()
        if self._service is not None:
            self._stats.publish(self.service, self.destinations, os.getpid(), is_ready)
            self._board.write(self._worker, WorkerSnapshot(is_ready, text, snapshot_servers(self.destinations)))
            self._publish_timer = self.service.loop.call_later(PUBLISH_S, self._publish)

    def publish_now(self) -> None:
        """Before anybody here reads the sums."""
        self._publish()

    def _stats_text(self, group: str) -> bytes:
        self._publish()
        return stats_text(self._view, group)


def upstream_options(settings: Settings) -> UpstreamOptions:
    """How servers are treated, in seconds."""
    timeout_s = settings.server_timeout / 1000
    return UpstreamOptions(
        timeout_s=timeout_s,
        connect_timeout_s=timeout_s,
        timeouts_until_tko=settings.timeouts_until_tko,
        tko_enabled=not settings.disable_tko_tracking,
        probe_initial_s=settings.probe_timeout_initial / 1000,
        probe_max_s=settings.probe_timeout_max / 1000,
    )


def _told(error: ConfigError, source: Source) -> str:
    text = str(error)
    return text if text.startswith("Can not read config") else f"Can not read config {source.name}: {text}"
