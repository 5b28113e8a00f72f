"""`python -m mcproxy`."""

from __future__ import annotations

import logging
import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mcdaemon import cli, lifecycle, log_setup, sockets
from mcdaemon.admin_http import AdminServer
from mcdaemon.errors import StartError
from mcdaemon.workers import Worker, WorkerContext, supervise
from mcproxy.admin import Facts, View
from mcproxy.config_error import ConfigError
from mcproxy.configuration import CONFIG_EXIT
from mcproxy.embedded_cluster import EmbeddedCluster
from mcproxy.exposition import collect
from mcproxy.flavor import with_flavors
from mcproxy.proxy import Proxy
from mcproxy.settings import Settings
from mcproxy.snapshot import Board, merge_servers
from mcproxy.stats import Stats, new_counters
from mcproxy.tls import Tls
from mcproxy.tools import TOOLS, validate
from mcproxy.versions import VERSION_TEXT

if TYPE_CHECKING:
    from prometheus_client import Metric

log = logging.getLogger("mcproxy")

LISTEN_EXIT = 2
"""mcrouter's status for what may work when tried again."""


def main(argv: list[str] | None = None) -> int:
    """Run until told to stop; the exit status."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in TOOLS:
        return TOOLS[words[0]](words[1:], sys.stdout, sys.stderr)
    try:
        words = with_flavors(words)
    except ConfigError as error:
        print(f"mcproxy: {error}", file=sys.stderr)
        return CONFIG_EXIT
    settings = cli.parse_settings(
        Settings,
        words,
        os.environ,
        prog="mcproxy",
        env_prefix="MCPROXY",
        description="A memcached proxy in the manner of mcrouter.",
        version_text=VERSION_TEXT,
        usage_exit=CONFIG_EXIT,
        value_exit=CONFIG_EXIT,
    )
    _set_up_log(settings)
    for name in (*settings.unknown, *settings.positional):
        log.warning("Unrecognized option: %s", name)
    for name in settings.ignored:
        log.info("%s is accepted and has no effect", name)
    try:
        tls = Tls(settings)
        if settings.validate_config:
            validate(settings)
            if settings.validate_config == "exit":
                return 0
        return _run(settings, tls, words, os.environ)
    except StartError as error:
        print(error.text, file=sys.stderr)
        return error.exit_code


def _set_up_log(settings: Settings) -> None:
    level = logging.DEBUG if settings.verbosity else logging.INFO
    if not settings.log_path:
        log_setup.setup(settings.log_format, level)
        return
    try:
        stream = Path(settings.log_path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115  (for good)
    except OSError as error:
        print(f"mcproxy: --log-path {settings.log_path}: {error.strerror}", file=sys.stderr)
        raise SystemExit(CONFIG_EXIT) from None
    log_setup.setup(settings.log_format, level, stream)


def _run(settings: Settings, tls: Tls, words: Sequence[str], environ: Mapping[str, str]) -> int:
    alone = not (settings.upstream or settings.config_text)
    if alone and "KUBERNETES_SERVICE_HOST" in environ:
        raise StartError(
            "mcproxy: no servers given (--upstream or --config), and no embedded cluster inside a pod",
            CONFIG_EXIT,
        )
    shards = _listen(settings)
    if not alone:
        return _Fleet(settings, tls, words, shards, None).run()
    cluster = EmbeddedCluster()
    try:
        return _Fleet(settings, tls, words, shards, cluster).run()
    finally:
        cluster.stop()


class Listeners(NamedTuple):
    """The sockets of one worker."""

    plain: list[socket.socket]
    tls: list[socket.socket]

    def copied(self) -> Listeners:
        """The same, for who will close them."""
        return Listeners(*([listener.dup() for listener in kind] for kind in self))


def _listen(settings: Settings) -> list[Listeners]:
    """The sockets of each worker: taken first, so that a port in use is told before anything begins."""
    taken = _given_listener(settings)
    if taken is not None:
        return [Listeners([taken.dup()], []) for _ in range(settings.num_proxies - 1)] + [Listeners([taken], [])]
    kinds = [_open(addresses, settings) for addresses in (settings.addresses(), settings.tls_addresses())]
    return [Listeners(*shard) for shard in zip(*kinds, strict=True)]


def _open(addresses: Sequence[sockets.Address], settings: Settings) -> list[list[socket.socket]]:
    backlog, workers = settings.tcp_listen_backlog, settings.num_proxies
    if workers == 1:
        return [sockets.open_tcp(addresses, backlog=backlog, exit_code=LISTEN_EXIT)]
    return sockets.open_sharded(addresses, workers, backlog=backlog, exit_code=LISTEN_EXIT)


def _given_listener(settings: Settings) -> socket.socket | None:
    """One socket that all workers accept from: a Unix socket, or one that another process has opened."""
    if settings.unix_domain_sock:
        return sockets.open_unix(
            settings.unix_domain_sock, mode=0o777, backlog=settings.tcp_listen_backlog, exit_code=LISTEN_EXIT
        )
    if settings.listen_sock_fd >= 0:
        return sockets.adopt(settings.listen_sock_fd, exit_code=LISTEN_EXIT)
    return None


class _Fleet:
    """The worker processes of one proxy, or the one that is all of it."""

    def __init__(
        self,
        settings: Settings,
        tls: Tls,
        words: Sequence[str],
        shards: Sequence[Listeners],
        cluster: EmbeddedCluster | None,
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._shards = shards
        self._upstreams = tuple(cluster.addresses) if cluster else settings.upstream
        self._version = VERSION_TEXT + (f" (embedded cluster of {len(cluster.addresses)})" if cluster else "")
        self._counters = new_counters(settings.num_proxies)
        self._board = Board(settings.num_proxies)
        servers_from = f"embedded cluster: {cluster.text}" if cluster else _servers_from(settings)
        self._view = View(
            Facts(self._version, shlex.join(("mcproxy", *words)), time.time(), servers_from),
            lambda: Stats.totals_of(self._counters),
            lambda: merge_servers([snapshot.servers for snapshot in self._board.read()]),
            lambda: [pid for pid in self._counters.values("pid") if pid],
        )

    def run(self) -> int:
        """The exit status."""
        drain_s = self._settings.drain_timeout / 1000
        if len(self._shards) == 1:
            proxy = self._proxy(0, self._shards[0])
            return lifecycle.run(proxy, drain_s=drain_s, admin=self._admin(proxy), on_started=self._log_listening)
        workers = [Worker(str(number), self._serve) for number in range(len(self._shards))]
        admin = self._admin(None)
        if admin is not None:
            admin.bind()
            workers.append(Worker("admin", lambda context: self._serve_admin(context, admin)))
        self._log_listening()
        return supervise(workers, drain_s=drain_s)

    def _serve(self, context: WorkerContext) -> int:
        """In a worker process. Its listeners are copies: the supervisor keeps the originals for a restart."""
        return lifecycle.run(
            self._proxy(context.number, self._shards[context.number].copied()),
            drain_s=self._settings.drain_timeout / 1000,
            lifeline_fd=context.lifeline_fd,
            on_started=context.on_started,
        )

    def _serve_admin(self, context: WorkerContext, admin: AdminServer) -> int:
        return lifecycle.run(
            lifecycle.Idle(),
            drain_s=0.0,
            admin=admin,
            lifeline_fd=context.lifeline_fd,
            on_started=context.on_started,
        )

    def _proxy(self, worker: int, listeners: Listeners) -> Proxy:
        return Proxy(
            self._settings,
            listeners.plain,
            Stats(self._counters, worker),
            self._board,
            self._view,
            worker=worker,
            upstreams=self._upstreams,
            version_line=b"VERSION %b\r\n" % self._version.encode(),
            tls=self._tls,
            tls_listeners=listeners.tls,
        )

    def _admin(self, proxy: Proxy | None) -> AdminServer | None:
        address = self._settings.admin_address
        if address is None:
            return None
        if proxy is None:
            return AdminServer(address, lambda: collect(self._view), self._ready, exit_code=LISTEN_EXIT)

        def collect_now() -> Iterator[Metric]:
            proxy.publish_now()
            return collect(self._view)

        return AdminServer(address, collect_now, proxy.ready, exit_code=LISTEN_EXIT)

    def _ready(self) -> tuple[bool, str]:
        """All workers are ready, or what the first that is not says."""
        snapshots = self._board.read()
        if len(snapshots) < self._settings.num_proxies:
            return False, "starting"
        worst = min(snapshots, key=lambda snapshot: snapshot.ready)
        return worst.ready, worst.text

    def _log_listening(self) -> None:
        names = {_address_of(listener) for listener in self._shards[0].plain}
        names |= {f"{_address_of(listener)} (TLS)" for listener in self._shards[0].tls}
        log.info("listening on %s", ", ".join(sorted(names)))
        if self._settings.config_text and "--asynclog-disable" not in self._settings.ignored:
            log.warning("failed deletes are not spooled: the proxy behaves as with --asynclog-disable")


def _address_of(listener: socket.socket) -> str:
    name = listener.getsockname()
    return f"unix:{name}" if isinstance(name, str) else str(sockets.Address(*name[:2]))


def _servers_from(settings: Settings) -> str:
    if settings.upstream:
        return f"upstream {', '.join(settings.upstream)}"
    return f"config {settings.config_file}" if settings.config_file else "config"


if __name__ == "__main__":
    sys.exit(main())
