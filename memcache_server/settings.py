"""Every flag of the server, once. Names and letters are memcached's where it has them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from mcdaemon.option_values import byte_size, decimal, integer, octal, one_of
from mcdaemon.options import FieldError, option
from memcache_server.extended import Extended, read_extended, slab_sizes_problem
from memcache_server.store.slab_classes import PAGE_SIZE

USAGE_EXIT = 1
VALUE_EXIT = 1
LIMIT_EXIT = 64

def _extended(text: str) -> str:
    read_extended((text,))
    return text


def _refused(why: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        raise ValueError(why)

    return parse


def _delimiter(text: str) -> str:
    if not text:
        raise ValueError("No delimiter specified")
    return text[0]


def _no_udp(text: str) -> int:
    if integer(0, 65535)(text):
        raise ValueError("UDP is not served, only 0 is taken")
    return 0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The server's settings; see the help texts for meanings."""

    port: int = option(11211, "-p", "--port", metavar="NUM", parse=integer(-1, 65535),
                       help="TCP port; 0 is off, -1 any free one",
                       exit_code=LIMIT_EXIT)
    udp_port: int = option(0, "-U", "--udp-port", metavar="NUM", parse=_no_udp,
                           help="UDP is not served; only 0 is taken", exit_code=LIMIT_EXIT)
    unix_socket: str = option("", "-s", "--unix-socket", metavar="FILE",
                              help="listen on a Unix socket instead of the network")
    unix_mask: int = option(0o700, "-a", "--unix-mask", metavar="MODE", parse=octal(),
                            help="permissions of the Unix socket, in octal")
    listen: tuple[str, ...] = option((), "-l", "--listen", metavar="ADDR", split=",",
                                     help="address to listen on, all if none; ADDR:PORT and [V6]:PORT work too")
    enable_shutdown: bool = option(False, "-A", "--enable-shutdown", help="let clients stop the server by `shutdown`")
    daemon: bool = option(False, "-d", "--daemon", help="go to the background once the server listens")
    pid_file: str = option("", "-P", "--pidfile", metavar="FILE", help="file for the process id while the server runs")
    core_files: bool = option(False, "-r", "--enable-coredumps", help="let core files grow as large as is allowed")
    lock_memory: bool = option(False, "-k", "--lock-memory", help="keep what is used in memory, never in swap")
    large_pages: bool = option(False, "-L", "--enable-largepages", help="large memory pages, if the system has them")
    user: str = option("", "-u", "--user", metavar="USER", help="become this user (only root can)")
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
    backlog: int = option(1024, "-b", "--listen-backlog", metavar="NUM", parse=integer(0, 65535),
                          help="length of the queue of new connections")
    item_size_max: int = option(1 << 20, "-I", "--max-item-size", metavar="SIZE", parse=byte_size(1024, 1 << 30),
                                help="largest item; k and m are understood", exit_code=LIMIT_EXIT)
    protocol: str = option("auto", "-B", "--protocol", metavar="NAME", parse=one_of("auto", "ascii"),
                           help="auto or ascii: text either way", exit_code=LIMIT_EXIT)
    max_requests: int = option(
        256, "-R", "--max-reqs-per-event", metavar="NUM", help="requests of a client before others have their turn",
        parse=integer(1, 1 << 31),
    )
    disable_cas: bool = option(False, "-C", "--disable-cas", help="all CAS ids are 0")
    disable_flush_all: bool = option(False, "-F", "--disable-flush-all", help="refuse flush_all")
    disable_dumping: bool = option(False, "-X", "--disable-dumping", help="refuse commands that list keys")
    disable_watch: bool = option(False, "-W", "--disable-watch", help="refuse watch")
    prefix_delimiter: str = option("", "-D", metavar="CHAR", parse=_delimiter,
                                   help="ends a key's prefix, and counts by prefix (stats detail) from the start")
    auth_file: str = option("", "-Y", "--auth-file", metavar="FILE",
                            help="clients must log in with a line `user:password` of this file")
    memory_file: str = option("", "-e", "--memory-file", metavar="FILE",
                              help="hold the items in this file; stopped by SIGUSR1, a server with the same flags goes "
                                   "on with them")
    tls: bool = option(False, "-Z", "--enable-ssl", help="clients must speak TLS; see -o ssl_chain_cert, ssl_key")
    sasl: int = option(0, "-S", "--enable-sasl", bare="on", help="refused: it is the binary protocol's; see -Y",
                       parse=_refused("SASL belongs to the binary protocol, not served here; -Y asks for passwords"))
    napi_ids: int = option(0, "-N", "--napi-ids", metavar="NUM", help="refused: one thread serves all queues",
                           parse=_refused("connections are not spread over threads here, one thread serves them all"))
    extended: tuple[str, ...] = option((), "-o", "--extended", metavar="LIST", repeat=True, parse=_extended,
                                       help="memcached's extended options, comma separated")
    admin: str = option("", "--admin", metavar="[ADDR:]PORT",
                        help="serve /metrics, /healthz and /readyz over HTTP there; off by default")
    log_format: str = option("text", "--log-format", metavar="FORMAT", parse=one_of("text", "json"),
                             help="log lines as text or json")
    drain: float = option(5.0, "--drain", metavar="SECONDS", parse=decimal(0),
                          help="time for requests in flight after SIGTERM")

    def __post_init__(self) -> None:
        """Rules between settings, with the original's words (memcached.c main)."""
        if self.item_size_max > self.memory_limit * PAGE_SIZE // 2:
            raise FieldError("item_size_max", "Cannot set item size limit higher than 1/2 of memory max.")
        chunk_max = self.options.slab_chunk_max
        if self.item_size_max < chunk_max:
            raise FieldError("item_size_max", f"slab_chunk_max (bytes: {chunk_max}) cannot be larger than -I "
                                              f"(item_size_max {self.item_size_max})")
        if self.item_size_max % chunk_max:
            raise FieldError("item_size_max", f"-I (item_size_max: {self.item_size_max}) must be evenly divisible by "
                                              f"slab_chunk_max (bytes: {chunk_max})")
        if problem := slab_sizes_problem(self.options.slab_sizes, self.chunk_size, chunk_max):
            raise FieldError("extended", problem, LIMIT_EXIT)
        if self.options.hot_lru_pct + self.options.warm_lru_pct > 80:
            raise FieldError("extended", "hot_lru_pct + warm_lru_pct cannot be more than 80% combined", LIMIT_EXIT)

    @cached_property
    def options(self) -> Extended:
        """-o by name."""
        return Extended(**read_extended(self.extended))

    @property
    def maxbytes(self) -> int:
        """-m in bytes."""
        return self.memory_limit * PAGE_SIZE

    @property
    def dump_enabled(self) -> bool:
        """Whether commands may list keys."""
        return not self.disable_dumping

    @property
    def watch_enabled(self) -> bool:
        """Whether `watch` is served."""
        return not self.disable_watch

    @property
    def umask_digits(self) -> str:
        """-a as `stats settings` shows it."""
        return f"{self.unix_mask:o}"

    @property
    def growth_digits(self) -> str:
        """-f with two digits, rounded as printf does."""
        return f"{math.floor(self.growth_factor * 100 + 0.5) / 100:.2f}"
