"""Options that mcrouter has too and that few need: settings.py adds those of every day.

IGNORED are accepted so that start scripts go on working; each is told at the start.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcdaemon.option_values import integer, one_of
from mcdaemon.options import option

IGNORED: tuple[tuple[str, ...], ...] = (
    ("--thread-affinity",),
    ("--disable-shard-split-route",),
    ("--rss-limit-mb", "N"),
    ("--debug-fifo-root", "PATH"),
    ("--miss-on-get-errors",),
    ("--disable-miss-on-get-errors",),
    ("--asynclog-disable",),
    ("--use-asynclog-version2",),
    ("--asynclog-port-override", "PORT"),
    ("-a", "--async-dir", "PATH"),
    ("--connect-timeout-retries", "N"),
    ("--core-multiplier", "N"),
    ("--logging-rtt-outlier-threshold-us", "US"),
    ("--retain-source-ip",),
    ("--file-observer-sleep-before-update-ms", "MS"),
    ("--post-reconfiguration-delay-ms", "MS"),
    ("--constantly-reload-configs",),
    ("--fibers-max-pool-size", "N"),
    ("--fibers-stack-size", "N"),
    ("--fibers-debug-record-stack-size",),
    ("--fibers-use-guard-pages",),
)


def routing_prefix(text: str) -> str:
    """`/region/cluster/`; ValueError for anything else."""
    parts = text.split("/")
    if len(parts) != 4 or parts[0] or parts[3] or not all(parts[1:3]):
        raise ValueError(f'"{text}" is not of the form /region/cluster/')
    return text


def name_and_value(text: str) -> tuple[str, str]:
    """`name:value`; ValueError without the colon."""
    name, colon, value = text.partition(":")
    if not colon or not name:
        raise ValueError(f'"{text}" is not of the form name:value')
    return name, value


@dataclass(frozen=True, kw_only=True)
class McrouterOptions:
    """Durations are in milliseconds."""

    route_prefix: str = option(
        "/././",
        "-R",
        "--route-prefix",
        metavar="/REGION/CLUSTER/",
        parse=routing_prefix,
        help="of keys that come without one; the configuration must have it",
    )
    send_invalid_route_to_default: bool = option(
        False, "--send-invalid-route-to-default", help="keys with an unknown routing prefix go the default way"
    )
    cross_region_timeout_ms: int = option(
        0, "--cross-region-timeout-ms", metavar="MS", parse=integer(0), help="for pools of another region (0: unused)"
    )
    cross_cluster_timeout_ms: int = option(
        0, "--cross-cluster-timeout-ms", metavar="MS", parse=integer(0), help="for pools of another cluster of ours"
    )
    within_cluster_timeout_ms: int = option(
        0, "--within-cluster-timeout-ms", metavar="MS", parse=integer(0), help="for pools of our own cluster"
    )
    validate_config: str = option(
        "",
        "--validate-config",
        metavar="exit|run",
        bare="exit",
        parse=one_of("exit", "run", ""),
        help="only say whether the configuration is good, by the exit status; run: go on if it is",
    )
    file_observer_poll_period_ms: int = option(
        100,
        "--file-observer-poll-period-ms",
        metavar="MS",
        parse=integer(0),
        help="how often the configuration's files are looked at (0: never)",
    )
    reconfiguration_delay_ms: int = option(
        1000, "--reconfiguration-delay-ms", metavar="MS", parse=integer(0), help="from a change until it is read"
    )
    reconfiguration_jitter_ms: int = option(
        0, "--reconfiguration-jitter-ms", metavar="MS", parse=integer(0), help="random, on top of that"
    )
    disable_reload_configs: bool = option(False, "--disable-reload-configs", help="read the configuration once")
    config_params: tuple[tuple[str, str], ...] = option(
        (),
        "--config-params",
        metavar="NAME:VALUE",
        split=",",
        parse=name_and_value,
        help="strings that the configuration sees as %NAME%",
    )
    service_name: str = option("mcrouter", "--service-name", metavar="NAME", help="%service-name% in the configuration")
    listen_sock_fd: int = option(
        -1, "--listen-sock-fd", metavar="FD", parse=integer(-1), help="a listening socket to take over"
    )
    unix_domain_sock: str = option("", "--unix-domain-sock", metavar="PATH", help="listen there instead of on TCP")
    allow_only_gets: bool = option(False, "--allow-only-gets", help="refuse everything but gets")
    group_remote_errors: bool = option(
        False, "--group-remote-errors", help='servers\' error texts become a bare "remote error"'
    )
    enable_logging_route: bool = option(False, "--enable-logging-route", help="log every request and its result")
    log_path: str = option("", "-L", "--log-path", metavar="PATH", help="append the log there, not to stderr")
    keepalive_count: int = option(
        0, "-K", "--keepalive-count", metavar="N", parse=integer(0), help="TCP probes to servers (0: none)"
    )
    keepalive_interval: int = option(
        60, "-i", "--keepalive-interval", metavar="S", parse=integer(1), help="between TCP probes"
    )
    keepalive_idle: int = option(
        300, "-I", "--keepalive-idle", metavar="S", parse=integer(1), help="before the first TCP probe"
    )
