"""Every flag of the server, once. Names and letters are memcached's where it has them."""

import math
from dataclasses import dataclass

from mcdaemon.option_values import byte_size, decimal, integer, octal, one_of
from mcdaemon.options import FieldError, ignored_options, option
from memcache_server.store.slab_classes import PAGE_SIZE

USAGE_EXIT = 1
VALUE_EXIT = 1
LIMIT_EXIT = 64

# Extended options (-o) that ask for what is so anyway, or tune a part of the original that is not here.
# A value behind `=` is not looked at.
EXTENDED_ACCEPTED = frozenset((
    "maxconns_fast", "hashpower", "tail_repair_time", "hash_algorithm", "no_hashexpand", "modern", "no_modern",
    "slab_reassign", "no_slab_reassign", "slab_automove", "no_slab_automove", "slab_automove_ratio",
    "slab_automove_window", "lru_crawler", "no_lru_crawler", "lru_crawler_sleep", "lru_crawler_tocrawl",
    "lru_maintainer", "no_lru_maintainer", "hot_lru_pct", "warm_lru_pct", "hot_max_factor", "warm_max_factor",
    "temporary_ttl", "watcher_logbuf_size", "worker_logbuf_size", "inline_ascii_resp", "no_inline_ascii_resp",
    "no_chunked_items", "resp_obj_mem_limit", "read_buf_mem_limit", "drop_privileges", "no_drop_privileges",
    "relaxed_privileges",
))  # fmt: skip


def _extended(text: str) -> str:
    for suboption in filter(None, text.split(",")):
        if suboption.partition("=")[0] not in EXTENDED_ACCEPTED:
            raise ValueError(f'Illegal suboption "{suboption}"')
    return text


def _no_udp(text: str) -> int:
    if integer(0, 65535)(text):
        raise ValueError("UDP is not served, only 0 is taken")
    return 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The server's settings; see the help texts for meanings."""

    port: int = option(11211, "-p", "--port", metavar="NUM", parse=integer(0, 65535), help="TCP port; 0 is off",
                       exit_code=LIMIT_EXIT)
    udp_port: int = option(0, "-U", "--udp-port", metavar="NUM", parse=_no_udp,
                           help="UDP is not served; only 0 is taken", exit_code=LIMIT_EXIT)
    unix_socket: str = option("", "-s", "--unix-socket", metavar="FILE",
                              help="listen on a Unix socket instead of the network")
    unix_mask: int = option(0o700, "-a", "--unix-mask", metavar="MODE", parse=octal(),
                            help="permissions of the Unix socket, in octal")
    listen: tuple[str, ...] = option((), "-l", "--listen", metavar="ADDR", split=",",
                                     help="address to listen on, all if none; ADDR:PORT and [V6]:PORT work too")
    user: str = option("", "-u", "--user", metavar="USER", help="accepted; the process stays who it is")
    memory_limit: int = option(64, "-m", "--memory-limit", metavar="MB", parse=integer(0, 32 << 10),
                               help="memory for items, in megabytes", exit_code=LIMIT_EXIT)
    disable_evictions: bool = option(False, "-M", "--disable-evictions",
                                     help="answer with an error when memory is full instead of evicting")
    conn_limit: int = option(1024, "-c", "--conn-limit", metavar="NUM", parse=integer(1, 10_000_000),
                             help="connections at most")
    verbose: int = option(0, "-v", "--verbose", count=True,
                          help="say more: -v events, -vv also every command and answer")
    growth_factor: float = option(1.25, "-f", "--slab-growth-factor", metavar="FACTOR", parse=decimal(above=1.0),
                                  help="factor between chunk sizes")
    chunk_size: int = option(48, "-n", "--slab-min-size", metavar="BYTES", parse=integer(1, PAGE_SIZE // 4),
                             help="least room for key, value and flags")
    threads: int = option(1, "-t", "--threads", metavar="NUM", parse=integer(1, 1024),
                          help="accepted; one process serves, more cores mean more servers")
    backlog: int = option(1024, "-b", "--listen-backlog", metavar="NUM", parse=integer(1, 65535),
                          help="length of the queue of new connections")
    item_size_max: int = option(1 << 20, "-I", "--max-item-size", metavar="SIZE", parse=byte_size(1024, 1 << 30),
                                help="largest item; k and m are understood", exit_code=LIMIT_EXIT)
    protocol: str = option("auto", "-B", "--protocol", metavar="NAME", parse=one_of("auto", "ascii"),
                           help="auto or ascii: text either way", exit_code=LIMIT_EXIT)
    extended: tuple[str, ...] = option((), "-o", "--extended", metavar="LIST", repeat=True, parse=_extended,
                                       help="memcached's extended options, comma separated")
    admin: str = option("", "--admin", metavar="[ADDR:]PORT",
                        help="serve /metrics, /healthz and /readyz over HTTP there; off by default")
    log_format: str = option("text", "--log-format", metavar="FORMAT", parse=one_of("text", "json"),
                             help="log lines as text or json")
    drain: float = option(5.0, "--drain", metavar="SECONDS", parse=decimal(0),
                          help="time for requests in flight after SIGTERM")
    ignored: tuple[str, ...] = ignored_options(("-d", "--daemon"), ("-r", "--enable-coredumps"))

    def __post_init__(self) -> None:
        """Rules between settings, with the original's words (memcached.c main)."""
        if self.item_size_max > self.memory_limit * PAGE_SIZE // 2:
            raise FieldError("item_size_max", "Cannot set item size limit higher than 1/2 of memory max.")
        chunk_max = PAGE_SIZE // 2
        if self.item_size_max < chunk_max:
            raise FieldError("item_size_max", f"slab_chunk_max (bytes: {chunk_max}) cannot be larger than -I "
                                              f"(item_size_max {self.item_size_max})")
        if self.item_size_max % chunk_max:
            raise FieldError("item_size_max", f"-I (item_size_max: {self.item_size_max}) must be evenly divisible by "
                                              f"slab_chunk_max (bytes: {chunk_max})")

    @property
    def maxbytes(self) -> int:
        """-m in bytes."""
        return self.memory_limit * PAGE_SIZE

    @property
    def umask_digits(self) -> str:
        """-a as `stats settings` shows it."""
        return f"{self.unix_mask:o}"

    @property
    def growth_digits(self) -> str:
        """-f with two digits, rounded as printf does."""
        return f"{math.floor(self.growth_factor * 100 + 0.5) / 100:.2f}"
