"""One worker of the proxy: its listeners, its view of the servers, the tree in force, and the end.

configuration.py ─► ProxyConfig ──one assignment──► service.routing
└─► destinations no tree leads to any more drain
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from mcproxy.admin import View, basic_stats, stats_text
from mcproxy.admin_keys import AdminKeys, options_text
from mcproxy.client_listeners import ClientListeners
from mcproxy.config.builder import ProxyConfig
from mcproxy.config.file_watch import FileWatch
from mcproxy.config.upstreams import POOL_NAME
from mcproxy.configuration import Configuration
from mcproxy.host_id import host_id
from mcproxy.idle_reset import IdleReset
from mcproxy.pool_stats import PoolServers, enabled_pools, servers_of
from mcproxy.proxy_limit import ProxyLimit
from mcproxy.routes.background import Background
from mcproxy.routes.big_value import with_big_values
from mcproxy.routes.context import RouteContext
from mcproxy.routes.pool import nothing_found
from mcproxy.runtime_vars import RuntimeVars
from mcproxy.service import ClientLimits, Routing, Service
from mcproxy.settings import Settings
from mcproxy.snapshot import Board, WorkerSnapshot, snapshot_servers
from mcproxy.stats import Stats
from mcproxy.stats_files import StatsFiles, Texts, file_texts
from mcproxy.tick import Tick
from mcproxy.tls import Tls
from mcproxy.upstream.destination import Surroundings, TkoCount
from mcproxy.upstream.destination_map import DestinationMap
from mcproxy.upstream.tls import ClientTls

log = logging.getLogger(__name__)

PUBLISH_S = 1.0


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
        tls: Tls | None = None,
        tls_listeners: Sequence[socket.socket] = (),
    ) -> None:
        self._settings = settings
        self._listeners = listeners
        self._stats = stats
        self._board = board
        self._view = self._with_pools(view)
        self._worker = worker
        self._version_line = version_line
        self._upstreams = tuple(upstreams or settings.upstream)
        self._tls = tls or Tls(settings)
        self._tls_listeners = tls_listeners
        self._clients: ClientListeners | None = None
        self._pem_watch: FileWatch | None = None
        self._is_leaving = False
        self._publish_timer: asyncio.TimerHandle | None = None
        self._drained = asyncio.Event()
        self._limit = _limit(settings)
        self._service: Service | None = None  # from `start` on, as the next two
        self._destinations: DestinationMap | None = None
        self._configuration: Configuration | None = None
        self._idle_reset: IdleReset | None = None
        self._vars_watch: FileWatch | None = None
        self._stats_files: StatsFiles | None = None
        if self._limit is not None:
            stats.waiting = partial(len, self._limit.waiting)

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
        shared = Surroundings(loop, tick, TkoCount(), on_unreachable=self._look_again, client_tls=self._towards_servers)
        self._destinations = DestinationMap(shared)
        settings = self._settings
        self._service = Service(
            Routing(nothing_found(POOL_NAME)),
            tick,
            loop,
            limits=ClientLimits(
                outstanding_requests=settings.max_client_outstanding_reqs,
                write_timeout_s=settings.client_timeout / 1000,
            ),
            flush_enabled=settings.enable_flush_cmd,
            version_line=self._version_line,
        )
        self.service.held.incoming = self._destinations.connections
        shared.arrivals.look = self.service.held.look
        self.service.stats_text = self._stats_text
        self.service.admin_value = self._admin_value
        self._configuration = Configuration(
            settings, self._upstreams, self._stats, self._destinations, self._route_context(loop), self._swap
        )
        await self._configuration.start()
        self._idle_reset = IdleReset(loop, self._destinations, settings.reset_inactive_connection_interval / 1000)
        self._clients = ClientListeners(self.service, settings, self._tls)
        await self._clients.open(self._listeners, self._tls_listeners)
        self._pem_watch = FileWatch(loop.call_later, settings.file_observer_poll_period_ms / 1000, self._tls.refresh)
        self._pem_watch.follow(self._tls.files)
        self._tls.catch_up()
        self._publish()
        interval_ms = settings.stats_logging_interval
        if settings.stats_root and interval_ms and self._worker == 0:  # one writes for all
            self._stats_files = StatsFiles(
                Path(settings.stats_root), interval_ms / 1000, self._file_texts, loop.call_later
            )

    def unready(self) -> None:
        """From now on /readyz says no."""
        self._is_leaving = True
        self._publish()

    def stop_accepting(self) -> None:
        """Close the listeners."""
        if self._clients is not None:
            self._clients.close()

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
        if self._configuration is not None:
            self._configuration.close()
        if self._idle_reset is not None:
            self._idle_reset.stop()
        for watch in (self._vars_watch, self._pem_watch):
            if watch is not None:
                watch.stop()
        if self._stats_files is not None:
            self._stats_files.stop()
        if self._service is not None:
            for client in list(self.service.connections):
                client.abort()
            self.destinations.close()

    def reload(self) -> None:
        """Read configuration and certificates again, or look the servers up again."""
        if self._tls.files:
            self._tls.refresh()
        if self._configuration is not None:
            self._configuration.reload()

    def ready(self) -> tuple[bool, str]:
        """Whether clients may be sent here, and why (not)."""
        if self._is_leaving:
            return False, "stopping"
        if self._service is None:
            return False, "starting"
        count = len(self.service.routing.destinations)
        servers_from = self._view.facts.servers_from
        if self._upstreams and not count:
            return False, f"no servers found yet: {servers_from}"
        return True, f"ready: {count} server{'' if count == 1 else 's'}, {servers_from}"

    def _towards_servers(self) -> ClientTls:
        return self._tls.towards_servers

    # the tree

    def _look_again(self) -> None:
        if self._configuration is not None:
            self._configuration.look_again()

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
            shadow_requests_max=self._settings.target_max_shadow_requests,
            shadow_tokens_max=self._settings.max_shadow_token_map_size,
            runtime_vars=self._runtime_vars(loop),
            send_invalid_route_to_default=self._settings.send_invalid_route_to_default,
        )

    def _runtime_vars(self, loop: asyncio.AbstractEventLoop) -> RuntimeVars:
        """Read now, and whenever the file changes."""
        path = Path(self._settings.runtime_vars_file) if self._settings.runtime_vars_file else None
        variables = RuntimeVars(path)
        if path is not None:
            variables.load()
            period_s = self._settings.file_observer_poll_period_ms / 1000
            self._vars_watch = FileWatch(loop.call_later, period_s, variables.load)
            self._vars_watch.follow([path])
        return variables

    def _swap(self, config: ProxyConfig) -> None:
        settings = self._settings
        root = with_big_values(
            config.root,
            settings.big_value_split_threshold,
            settings.big_value_batch_size,
            settings.big_value_hide_reply_flag,
        )
        if self._limit is not None:
            root = self._limit.above(root)
        self.service.routing = Routing(root, config.destinations)

    # clients and statistics

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

    def _admin_value(self, command: bytes) -> bytes:
        configuration = self._configuration
        assert configuration is not None
        return AdminKeys(
            self._view.facts.version,
            self._settings,
            host_id(),
            lambda: configuration.in_force,
            lambda: self._stats.config_last_success,
            lambda: list(self.destinations),
        ).value(command)

    def _with_pools(self, view: View) -> View:
        """And with the pools that get statistics of their own."""
        path = self._settings.pool_stats_config_file
        names = enabled_pools(path) if path else ()

        def pools() -> PoolServers:
            configuration = self._configuration
            return servers_of(configuration.in_force.pools, names) if configuration is not None else {}

        return replace(view, pools=pools) if names else view

    def _file_texts(self) -> Texts:
        """What --stats-root gets."""
        self._publish()
        facts, settings, configuration = self._view.facts, self._settings, self._configuration
        assert configuration is not None
        prefix = f"libmcrouter.{settings.service_name}.{settings.router_name}"
        options = {"version": facts.version, "commandargs": facts.command_line, **options_text(settings)}
        return file_texts(prefix.replace("/", "_"), basic_stats(self._view), options, configuration.in_force.sources)

    def _stats_text(self, group: str) -> bytes:
        self._publish()
        return stats_text(self._view, group)


def _limit(settings: Settings) -> ProxyLimit | None:
    if not settings.proxy_max_inflight_requests:
        return None
    return ProxyLimit(
        settings.proxy_max_inflight_requests,
        settings.proxy_max_throttled_requests,
        settings.waiting_request_timeout_ms / 1000,
        time.monotonic,
    )
