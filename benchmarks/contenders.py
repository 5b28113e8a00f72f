"""Who is measured: the reference first, then ours."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.process import running

MEASURED_CORE, LOAD_CORE = 0, 1
_UPSTREAMS = 3


@dataclass(frozen=True)
class Contender:
    """A name for the tables and the command to run."""

    name: str
    command: str
    floor: bool = False  # knows one reply, so it plays only the rows that say it can


MEMCACHED = Contender("memcached -t 1", "memcached -u nobody -t 1 -m {megabytes} -l 127.0.0.1 -U 0 -p {{port}}")
SERVER = Contender("memcache_server", "{python} -m memcache_server -u root -m {megabytes} -l 127.0.0.1 -p {{port}}")
FLOOR = Contender("constant reply", "{python} -m benchmarks.constant_reply {{port}}", floor=True)


def servers(megabytes: int = 1024, floor: bool = False) -> list[Contender]:
    """memcached, then ours; with `floor` also a uvloop server that knows one reply."""
    chosen = [MEMCACHED, SERVER, *([FLOOR] if floor else [])]
    return [
        replace(contender, command=contender.command.format(python=sys.executable, megabytes=megabytes))
        for contender in chosen
    ]


@contextmanager
def proxies() -> Iterator[list[Contender]]:
    """twemproxy, then ours with each hash and with a tree, all over the same three memcacheds on the load's core."""
    with ExitStack() as stack:
        command = MEMCACHED.command.format(megabytes=512)
        ports = [stack.enter_context(running(command, LOAD_CORE))[1] for _ in range(_UPSTREAMS)]
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = f"{sys.executable} -m mcproxy --listen 127.0.0.1:{{port}} "
        ours += " ".join(f"--upstream 127.0.0.1:{port}" for port in ports)
        yield [
            Contender("twemproxy", _nutcracker(directory, ports)),
            Contender("mcproxy, ring", ours),
            Contender("mcproxy, Ch3", f"{ours} --hash ch3"),
            Contender("mcproxy, tree", _tree(directory, ports)),
        ]


def _tree(directory: Path, upstreams: list[int]) -> str:
    """Ours with three levels, which all keys of the rows pass: a prefix selector, failover, pools by ring."""
    pool = {"servers": [f"127.0.0.1:{port}" for port in upstreams]}
    to_a, to_b = ({"type": "PoolRoute", "pool": name, "hash": "ring"} for name in "AB")
    failover = {"type": "FailoverRoute", "children": [to_a, to_b]}
    selector = {"type": "PrefixSelectorRoute", "policies": {"key:": failover, "no:": failover}, "wildcard": to_b}
    where = directory / "tree.json"
    where.write_text(json.dumps({"pools": {"A": pool, "B": pool}, "route": selector}))
    return f"{sys.executable} -m mcproxy --listen 127.0.0.1:{{port}} --config-file {where}"


def _nutcracker(directory: Path, upstreams: list[int]) -> str:
    """A shell line that writes its configuration when the port is known."""
    lines = ["alpha:", " listen: 127.0.0.1:{port}", " hash: fnv1a_64", " distribution: ketama",
             " auto_eject_hosts: false", " preconnect: true", " timeout: 2000", " servers:"]  # fmt: skip
    lines += [f"  - 127.0.0.1:{port}:1" for port in upstreams]
    text, where = "\\n".join(lines), f"{directory}/{{port}}.yml"
    run = f"exec nutcracker -c {where} -m 16384 -s {{stats_port}} -o {directory}/log"
    return f"sh -c 'printf \"{text}\\n\" > {where}; {run}'"
