"""Every option of mcproxy, once: command line, environment, --print-settings and help follow from it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass

from discovery.service_name import parse_target
from mcdaemon.option_values import integer, one_of
from mcdaemon.options import FieldError, ignored_options, option, positional_arguments, unknown_options
from mcdaemon.sockets import Address, parse_address
from mcproxy.file_options import FileOptions
from mcproxy.mcrouter_options import IGNORED, McrouterOptions
from mcproxy.tls_options import TlsOptions
from mcproxy.value_options import ValueOptions
from mcproxy.wire_options import WireOptions

DEFAULT_PORT = 5000
UPSTREAM_PORT = 11211

UPSTREAM_HASHES = ("ring", "ch3", "crc32", "ketama", "rendezvous", "jump")


def _proxies(text: str) -> int:
    return os.cpu_count() or 1 if text == "auto" else integer(1, 512)(text)


def _upstream(text: str) -> str:
    return str(parse_target(text, UPSTREAM_PORT))


def _ports(text: str) -> int:
    return integer(0, 65535)(text)


@dataclass(frozen=True, kw_only=True)
class Settings(McrouterOptions, WireOptions, ValueOptions, FileOptions, TlsOptions):
    """What the proxy was told. Durations are in milliseconds, as mcrouter's options are."""

    listen: tuple[str, ...] = option(
        (),
        "--listen",
        metavar="[HOST:]PORT",
        repeat=True,
        split=",",
        parse=lambda text: str(parse_address(text, DEFAULT_PORT)),
        help=f"where clients connect (default {DEFAULT_PORT})",
    )
    port: tuple[int, ...] = option((), "-p", "--port", metavar="N", split=",", parse=_ports, help="TCP ports")
    listen_addresses: tuple[str, ...] = option(
        (),
        "--listen-addresses",
        metavar="HOST",
        split=",",
        help="addresses that --port binds; all by default",
    )
    upstream: tuple[str, ...] = option(
        (),
        "--upstream",
        metavar="ADDR",
        repeat=True,
        split=",",
        parse=_upstream,
        help="cache servers: host:port, dns+NAME:PORT or dnssrv+_memcache._tcp.NAME; all form one pool",
    )
    hash: str = option(
        "ring",
        "--hash",
        metavar="NAME",
        parse=one_of(*UPSTREAM_HASHES),
        help="how --upstream servers are chosen",
    )
    config: str = option(
        "",
        "--config",
        "--config-str",
        metavar="FILE|JSON",
        help="mcrouter's configuration: file:PATH, a path, or JSON",
    )
    config_file: str = option("", "-f", "--config-file", metavar="PATH", help="mcrouter's configuration, a path")
    server_timeout: int = option(
        1000,
        "-t",
        "--server-timeout",
        metavar="MS",
        parse=integer(1),
        help="for a reply, and for a connection",
    )
    timeouts_until_tko: int = option(
        3,
        "--timeouts-until-tko",
        metavar="N",
        parse=integer(1),
        help="timeouts in a row that take a server out",
    )
    probe_timeout_initial: int = option(
        100,
        "-r",
        "--probe-timeout-initial",
        metavar="MS",
        parse=integer(1),
        help="before the first probe of a server that was taken out (mcrouter: 10000)",
    )
    probe_timeout_max: int = option(
        600,
        "--probe-timeout-max",
        metavar="MS",
        parse=integer(1),
        help="longest time between probes (mcrouter: 60000)",
    )
    disable_tko_tracking: bool = option(False, "--disable-tko-tracking", help="never take a server out")
    num_proxies: int = option(
        1, "--num-proxies", "--proxy-threads", metavar="N|auto", parse=_proxies, help="processes on one port"
    )
    max_client_outstanding_reqs: int = option(
        34133,
        "--max-client-outstanding-reqs",
        metavar="N",
        parse=integer(0),
        help="of one client; beyond, nothing more is read from it (0: no limit)",
    )
    tcp_listen_backlog: int = option(
        1024,
        "--tcp-listen-backlog",
        metavar="N",
        parse=integer(1, 65535),
        help="connections waiting to be accepted",
    )
    enable_flush_cmd: bool = option(False, "--enable-flush-cmd", help="let clients flush all servers")
    nameserver: tuple[str, ...] = option(
        (),
        "--nameserver",
        metavar="IP[:PORT]",
        split=",",
        help="for dns+ and dnssrv+, instead of resolv.conf's",
    )
    expect: int = option(
        0,
        "--expect",
        metavar="N",
        parse=integer(0),
        help="how many servers a dnssrv+ name has when all are there",
    )
    discovery_grace: int = option(
        60_000,
        "--discovery-grace",
        metavar="MS",
        parse=integer(0),
        help="how long a server that has left DNS keeps its place",
    )
    admin: str = option(
        "",
        "--admin",
        metavar="[HOST:]PORT",
        parse=lambda text: str(parse_address(text, 0)),
        help="HTTP port for /metrics, /healthz and /readyz",
    )
    drain_timeout: int = option(
        10_000,
        "--drain-timeout",
        metavar="MS",
        parse=integer(0),
        help="for requests under way when told to stop",
    )
    log_format: str = option(
        "text", "--log-format", metavar="text|json", parse=one_of("text", "json"), help="of the log"
    )
    verbosity: int = option(0, "-v", "--verbosity", count=True, help="say more; may be repeated")
    ignored: tuple[str, ...] = ignored_options(*IGNORED)
    positional: tuple[str, ...] = positional_arguments("FLAVOR")
    unknown: tuple[str, ...] = unknown_options()

    def __post_init__(self) -> None:
        self.check_tls(self._sole_listener)
        self.refuse_stale(self.num_proxies)
        if self.unix_domain_sock and (self.port or self.listen):
            raise FieldError("unix_domain_sock", "either a Unix socket or TCP ports")
        if self.upstream and (self.config or self.config_file):
            raise FieldError("upstream", "servers come from here or from a configuration, not from both")
        if self.upstream_tls and not self.upstream:
            raise FieldError("upstream_tls", "only for --upstream; a configuration's pools have security_mech")
        twice = [text for text, count in Counter(self.upstream).items() if count > 1]
        if twice:
            raise FieldError("upstream", f"{twice[0]} is given twice")

    def addresses(self) -> list[Address]:
        """Where to listen: --listen, and each of --port on each of --listen-addresses."""
        chosen = [parse_address(text, DEFAULT_PORT) for text in self.listen]
        chosen += self._on_hosts(self.port)
        return chosen or ([] if self.ssl_port else self._on_hosts((DEFAULT_PORT,)))

    def tls_addresses(self) -> list[Address]:
        """Where to listen for TLS: each of --ssl-port on each of --listen-addresses."""
        return self._on_hosts(self.ssl_port)

    def _on_hosts(self, ports: tuple[int, ...]) -> list[Address]:
        return [Address(host, port) for port in ports for host in self.listen_addresses or ("",)]

    @property
    def _sole_listener(self) -> str:
        if self.unix_domain_sock:
            return "a Unix socket"
        return "--listen-sock-fd" if self.listen_sock_fd >= 0 else ""

    @property
    def admin_address(self) -> Address | None:
        """Where HTTP for operators is served, if it is."""
        return parse_address(self.admin, 0) if self.admin else None

    @property
    def router_name(self) -> str:
        """mcrouter's name of this proxy among others of the host: its first port, or 0 without any."""
        if self.unix_domain_sock or self.listen_sock_fd >= 0:
            return "0"
        return str((self.addresses() or self.tls_addresses())[0].port)

    @property
    def config_text(self) -> str:
        """What --config means here: mcrouter lets it win over --config-file. Empty without either."""
        return self.config or (f"file:{self.config_file}" if self.config_file else "")
