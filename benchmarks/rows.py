"""The rows of the server's and the proxy's tables: what is asked, by how many, of what size, what is to be reached."""

from dataclasses import dataclass
from itertools import groupby

Group = tuple["Row", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`connections` each send one request (or `depth` in one write), wait for the whole reply, and send the next."""

    name: str
    ask: str  # a key of workloads.KINDS
    connections: int = 50
    depth: int = 1  # operations in one write: requests, for `multiget` the keys of one command
    keys: int = 100_000  # stored before
    value: int = 100  # bytes
    megabytes: int = 1024  # -m
    evicts: bool = False  # and the row is void if nothing was evicted
    reach: float | None = None  # CPU time of an operation, ours ÷ the original's
    floor: bool = False  # the server that knows one reply can play
    quick: bool = False


ROWS = (
    Row(name="get, 1 connection", ask="get", connections=1, floor=True),
    Row(name="get, 50 connections", ask="get", reach=1.10, floor=True, quick=True),
    Row(name="get, 500 connections", ask="get", connections=500, floor=True),
    Row(name="set, 1 connection", ask="set", connections=1, floor=True),
    Row(name="set, 50 connections", ask="set", reach=1.20, floor=True, quick=True),
    Row(name="set, 500 connections", ask="set", connections=500, floor=True),
    Row(name="miss, 1 connection", ask="miss", connections=1),
    Row(name="miss, 50 connections", ask="miss", reach=1.25, quick=True),
    Row(name="miss, 500 connections", ask="miss", connections=500),
    Row(name="mix 10:1 Zipf, 1 connection", ask="mix", connections=1),
    Row(name="mix 10:1 Zipf, 50 connections", ask="mix", quick=True),
    Row(name="mix 10:1 Zipf, 500 connections", ask="mix", connections=500),
    Row(name="get, pipelined by 50", ask="get", connections=4, depth=50, reach=0.40, quick=True),
    Row(name="set, pipelined by 50", ask="set", connections=4, depth=50, reach=2.4, quick=True),
    Row(name="miss, pipelined by 50", ask="miss", connections=4, depth=50),
    Row(name="get of 100 keys", ask="multiget", connections=4, depth=100, reach=1.6, quick=True),
    Row(name="mg, 50 connections", ask="mg", quick=True),
    Row(name="ms, 50 connections", ask="ms", quick=True),
    Row(name="mg, pipelined by 50", ask="mg", connections=4, depth=50),
    Row(name="ms, pipelined by 50", ask="ms", connections=4, depth=50),
    Row(name="get, values of 10 B", ask="get", value=10),
    Row(name="set, values of 10 B", ask="set", value=10),
    Row(name="get, values of 1 KB", ask="get", value=1000, megabytes=2048),
    Row(name="set, values of 1 KB", ask="set", value=1000, megabytes=2048),
    Row(name="get, values of 100 KB", ask="get", connections=4, keys=500, value=100_000, quick=True),
    Row(name="set, values of 100 KB", ask="set", connections=4, keys=500, value=100_000, quick=True),
    Row(name="set, evicting", ask="fill", keys=250_000, megabytes=16, evicts=True, quick=True),
    Row(name="set, evicting, pipelined by 50", ask="fill", connections=4, depth=50, keys=250_000, megabytes=16,
        evicts=True),
    Row(name="TTL 1 s, get and set 1:1", ask="ttl", quick=True),
    Row(name="get, 1 M items", ask="get", keys=1_000_000),
    Row(name="set, 1 M items", ask="set", keys=1_000_000),
    Row(name="get, pipelined by 50, 1 M items", ask="get", connections=4, depth=50, keys=1_000_000),
    Row(name="set, pipelined by 50, 1 M items", ask="set", connections=4, depth=50, keys=1_000_000),
    Row(name="get, 5 M items", ask="get", keys=5_000_000, megabytes=2048),
    Row(name="set, 5 M items", ask="set", keys=5_000_000, megabytes=2048),
    Row(name="get, pipelined by 50, 5 M items", ask="get", connections=4, depth=50, keys=5_000_000, megabytes=2048),
    Row(name="set, pipelined by 50, 5 M items", ask="set", connections=4, depth=50, keys=5_000_000, megabytes=2048),
)  # fmt: skip

PROXY_ROWS = (
    Row(name="get, 50 connections", ask="get", reach=1.15, quick=True),
    Row(name="set, 50 connections", ask="set", reach=1.15, quick=True),
    Row(name="get, pipelined by 50", ask="get", connections=4, depth=50, reach=1.4, quick=True),
    Row(name="set, pipelined by 50", ask="set", connections=4, depth=50, reach=1.6, quick=True),
)


def chosen(rows: tuple[Row, ...], only: str, quick: bool) -> tuple[Row, ...]:
    """The rows to play: those whose name contains `only`, and the main ones if it is to be `quick`."""
    return tuple(row for row in rows if only in row.name and (row.quick or not quick))


def groups(rows: tuple[Row, ...]) -> list[Group]:
    """Neighbours that can be played to the same servers, filled once."""
    return [tuple(same) for _, same in groupby(rows, _fill)]


def _fill(row: Row) -> tuple[int, int, int, bool]:
    """What the servers hold; a row whose items expire leaves nothing for others."""
    return row.keys, row.value, row.megabytes, row.ask == "ttl"
