"""Options of the files that the proxy writes for operators and for its own next start. Without a directory, none is."""

from __future__ import annotations

from dataclasses import dataclass

from mcdaemon.option_values import integer
from mcdaemon.options import option


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """mcrouter's own defaults are directories under /var/mcrouter; here each is named, or left out."""

    stats_root: str = option(
        "", "--stats-root", metavar="DIR", help="where statistics are written as files (mcrouter: /var/mcrouter/stats)"
    )
    stats_logging_interval: int = option(
        10_000,
        "--stats-logging-interval",
        metavar="MS",
        parse=integer(0),
        help="how often they are written (0: never)",
    )
    pool_stats_config_file: str = option(
        "",
        "--pool-stats-config-file",
        metavar="PATH",
        help='JSON {"stats_enabled_pools": [...]}: pools that get statistics of their own',
    )
    config_dump_root: str = option(
        "",
        "--config-dump-root",
        metavar="DIR",
        help="where good configurations are kept for a start with a bad one (mcrouter: /var/mcrouter/config)",
    )
    max_dumped_config_age: int = option(
        43_200,
        "--max-dumped-config-age",
        metavar="S",
        parse=integer(0),
        help="older ones are not used (0: none is)",
    )
