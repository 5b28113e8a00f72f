"""One worker's route tree: built from the configuration or from --upstream, followed, and swapped.

    files, looked at every 100 ms ──changed──► wait a second ──► read all again ──┐
    discovery watchers ───────────────────────changed──────────► same document ───┴─► build ──► one assignment

Whatever goes wrong while a tree is built, the one in force stays, and the failure is counted. At the start there is
none: then the last good configuration serves, where --config-dump-root keeps it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from discovery.endpoint import Change, EndpointSet
from discovery.refresh_policy import RefreshPolicy
from discovery.resolver import Resolver
from discovery.service_name import Lookup, parse_target
from discovery.watcher import Watcher
from mcdaemon.errors import StartError
from mcproxy.config.builder import ProxyConfig, build_document, under_options
from mcproxy.config.document import load
from mcproxy.config.environment import of_settings
from mcproxy.config.file_watch import FileWatch
from mcproxy.config.jsonc import Object
from mcproxy.config.pools import discovery_addresses
from mcproxy.config.source import Reading, Source, digest
from mcproxy.config.upstreams import INDEX_HASHES, build_upstreams
from mcproxy.config_dump import ConfigDump
from mcproxy.config_error import ConfigError
from mcproxy.in_force import InForce
from mcproxy.routes.base import Pool
from mcproxy.routes.context import RouteContext
from mcproxy.settings import UPSTREAM_PORT, Settings
from mcproxy.stats import Stats
from mcproxy.upstream.destination import KeepAlive, UpstreamOptions
from mcproxy.upstream.destination_map import DestinationMap

log = logging.getLogger(__name__)

CONFIG_EXIT = 3
FIRST_LOOKUP_S = 5.0


class Configuration:
    """Builds trees, from `start` until `close`. `swap(tree)` puts one in force."""

    def __init__(
        self,
        settings: Settings,
        upstreams: tuple[str, ...],
        stats: Stats,
        destinations: DestinationMap,
        context: RouteContext,
        swap: Callable[[ProxyConfig], None],
    ) -> None:
        self._settings = settings
        self._upstreams = upstreams
        self._stats = stats
        self._destinations = destinations
        self._context = context
        self._swap = swap
        self._options = upstream_options(settings)
        self._source = Source.of(settings.config_text) if settings.config_text else None
        self._environment = of_settings(settings, context.host_id, self._endpoints)
        self._resolver = Resolver(settings.nameserver)
        self._policy = RefreshPolicy(grace_s=settings.discovery_grace / 1000, expect=settings.expect or None)
        self._watchers: dict[str, Watcher] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._document: Object | None = None  # in force
        self._digests: Mapping[Path, str] = {}  # of the files in force
        self._reading = Reading(Source())  # the last one
        self._dump = config_dump(settings, context) if self._source and self._source.path else None
        self._current: ProxyConfig | None = None
        self._files = FileWatch(context.call_later, settings.file_observer_poll_period_ms / 1000, self._on_files)
        self._reload_timer: asyncio.TimerHandle | None = None
        self._looking_up: asyncio.Task[None] | None = None  # names that the configuration to come needs
        self._is_following = False  # the first tree is built; every change builds the next

    async def start(self) -> None:
        """The first tree. An unreadable config ends the start, a name that DNS does not know does not."""
        if self._source is None:
            await self._follow(list(self._upstreams))
            self._rebuild()
        else:
            try:
                await self._begin()
                self._keep()
            except ConfigError as error:
                text = told(error, self._source)
                if self._dump is None or not await self._begin_from_dump(self._dump, text):
                    raise StartError(f"mcproxy: {text}", CONFIG_EXIT) from None
        self._is_following = True

    async def _begin(self, read: Callable[[Path], str] | None = None) -> None:
        document = self._read(read)
        await self._follow(self._unknown_addresses(document))
        self._use(document)
        self._digests = self._reading.digests

    async def _begin_from_dump(self, dump: ConfigDump, mistake: str) -> bool:
        """With the configuration kept; whether it could be used."""
        assert self._source is not None
        log.error("%s", mistake)
        try:
            await self._begin(dump.read)
        except ConfigError as error:
            log.error("%s", told(error, self._source))
            return False
        self._stats.config_failures += 1
        self._stats.configs_from_disk = 1
        log.warning("started with the last good configuration, from --config-dump-root")
        return True

    def reload(self) -> None:
        """Read the configuration again, or look the servers up again."""
        if self._source is None:
            self.look_again()
            return
        if self._looking_up is not None:
            self._looking_up.cancel()
        with self._mistakes_told():
            document = self._read()
            if unknown := self._unknown_addresses(document):
                self._looking_up = asyncio.ensure_future(self._use_when_found(document, unknown))
            else:
                self._use_instead(document)

    def look_again(self) -> None:
        """A server cannot be reached: its name may lead elsewhere by now."""
        for watcher in self._watchers.values():
            watcher.refresh_now()

    @property
    def in_force(self) -> InForce:
        """What admin answers are made of."""
        source, settings = self._source, self._settings
        if source is None:
            sets = [self._endpoints(text) for text in self._upstreams]
            return InForce(
                self._environment,
                self._options,
                sets=sets,
                hash_name=settings.hash,
                on_unavailable=settings.on_unavailable,
                pools=self._pools,
            )
        main = digest(source.text) if source.path is None else self._digests.get(source.path, "")
        imported = {str(path): text for path, text in self._digests.items() if path != source.path}
        return InForce(
            self._environment,
            self._options,
            self._document,
            str(source.path or ""),
            {"mcrouter_config": main, **imported},
            pools=self._pools,
        )

    @property
    def _pools(self) -> Mapping[str, Pool]:
        return self._current.pools if self._current is not None else {}

    def close(self) -> None:
        """No tree is built from now on."""
        self._is_following = False
        self._files.stop()
        if self._dump is not None:
            self._dump.let_age()
        if self._reload_timer is not None:
            self._reload_timer.cancel()
        if self._looking_up is not None:
            self._looking_up.cancel()
        self._unfollow(set(self._watchers))

    # the configuration's text

    def _on_files(self) -> None:
        """A file has changed; others may be about to."""
        if self._reload_timer is None and self._is_following and not self._settings.disable_reload_configs:
            jitter_ms = self._settings.reconfiguration_jitter_ms * self._context.rng()
            delay_s = (self._settings.reconfiguration_delay_ms + jitter_ms) / 1000
            self._reload_timer = asyncio.get_running_loop().call_later(delay_s, self._on_delay_over)

    def _on_delay_over(self) -> None:
        self._reload_timer = None
        self.reload()

    def _read(self, read: Callable[[Path], str] | None = None) -> Object:
        """All sources as they are now, or as `read` has them. Raises ConfigError."""
        assert self._source is not None
        self._stats.config_last_attempt = int(time.time())
        reading = self._reading = Reading(self._source, read=read)
        try:
            return load(reading, self._environment)
        finally:
            self._files.follow(reading.digests)

    def _keep(self) -> None:
        """What was given is in force."""
        self._stats.configs_from_disk = 0
        if self._dump is not None:
            self._dump.keep(self._reading.texts)

    async def _use_when_found(self, document: Object, addresses: list[str]) -> None:
        await self._follow(addresses)
        with self._mistakes_told():
            self._use_instead(document)

    def _use_instead(self, document: Object) -> None:
        assert self._source is not None
        self._use(document)
        self._digests = self._reading.digests
        self._keep()
        self._unfollow(set(self._watchers) - set(discovery_addresses(document)))
        log.info("configuration reloaded from %s", self._source.name)

    @contextmanager
    def _mistakes_told(self) -> Iterator[None]:
        """A configuration that cannot be used changes nothing but a counter."""
        assert self._source is not None
        try:
            yield
        except ConfigError as error:
            self._stats.config_failures += 1
            if self._dump is not None:
                self._dump.let_age()
            log.error("%s; the configuration in force stays", told(error, self._source))

    def _use(self, document: Object) -> None:
        """Build the document's tree and put it in force. Raises ConfigError."""
        try:
            config = build_document(document, self._destinations, self._options, self._context, self._environment)
        except ConfigError:
            self._destinations.keep(self._current.destinations if self._current else ())
            raise
        self._document = document
        self._put_in_force(config)

    # the servers that DNS names

    def _unknown_addresses(self, document: Object) -> list[str]:
        """Those never answered, though they may be watched already: for a configuration that another has replaced."""
        return [text for text in discovery_addresses(document) if not self._is_answered(text) and _is_address(text)]

    def _is_answered(self, text: str) -> bool:
        return text in self._watchers and self._watchers[text].last_success_age_s is not None

    def _endpoints(self, address: str) -> EndpointSet:
        watcher = self._watchers.get(address)
        return watcher.current if watcher is not None else EndpointSet()

    async def _follow(self, addresses: list[str]) -> None:
        """Watch these too; waits a few seconds at most for the first answers."""
        new = [parse_target(text, UPSTREAM_PORT) for text in addresses if text not in self._watchers]
        for target in new:
            self._watchers[str(target)] = Watcher(target, self._resolver, self._policy, self._on_change)
            is_nameless = self._source is None and target.lookup is Lookup.ADDRESSES
            if is_nameless and self._settings.hash in INDEX_HASHES:
                log.warning(
                    "%s: addresses have no names, so --hash %s moves most keys when one changes; use ring, or dnssrv+",
                    target,
                    self._settings.hash,
                )
        await asyncio.gather(*(self._watchers[text].start(FIRST_LOOKUP_S) for text in addresses))

    def _unfollow(self, addresses: set[str]) -> None:
        for address in addresses:
            task = asyncio.ensure_future(self._watchers.pop(address).stop())
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)

    def _on_change(self, endpoints: EndpointSet, change: Change) -> None:
        if self._is_following:
            self._rebuild()

    def _rebuild(self) -> None:
        """The same document, or --upstream, with the servers of now."""
        try:
            if self._document is not None:
                self._use(self._document)
                return
            sets = [self._endpoints(text) for text in self._upstreams]
            self._stats.config_last_attempt = int(time.time())
            config = build_upstreams(
                sets, self._settings.hash, self._destinations, self._options, self._settings.on_unavailable
            )
            self._put_in_force(under_options(config, self._environment))
        except (ValueError, ConfigError) as error:
            self._destinations.keep(self._current.destinations if self._current else ())
            self._stats.config_failures += 1
            log.error("%s: %s; the servers in force stay", "--upstream" if self._source is None else "pools", error)

    def _put_in_force(self, config: ProxyConfig) -> None:
        self._current = config
        self._swap(config)
        for destination in self._destinations.keep(config.destinations):
            self._stats.on_removed(destination)
        self._stats.config_last_success = int(time.time())


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
        inflight_max=settings.target_max_inflight_requests,
        pending_max=settings.target_max_pending_requests,
        single_flight=settings.single_flight,
        keepalive=_keepalive(settings),
        tls=settings.upstream_tls,
    )


def config_dump(settings: Settings, context: RouteContext) -> ConfigDump | None:
    """Where good configurations are kept, if they are. All workers read there; the first one writes."""
    if not settings.config_dump_root or not settings.max_dumped_config_age:
        return None
    directory = Path(settings.config_dump_root) / settings.service_name / settings.router_name
    return ConfigDump(
        directory,
        settings.max_dumped_config_age,
        context.wall_time,
        context.call_later,
        is_writer=context.worker == 0,
    )


def _keepalive(settings: Settings) -> KeepAlive | None:
    if not settings.keepalive_count:
        return None
    return KeepAlive(settings.keepalive_idle, settings.keepalive_interval, settings.keepalive_count)


def told(error: ConfigError, source: Source) -> str:
    """The error as the log has it, with the file it is in."""
    text = str(error)
    if text.startswith("Can not read config"):
        return text
    return f"Can not read config {error.file or source.name}: {text}"


def _is_address(text: str) -> bool:
    """A bad one is refused with its place when the pool is built."""
    try:
        parse_target(text, UPSTREAM_PORT)
    except ValueError:
        return False
    return True
