"""What scripts of operators read, in the manner of the well-known memcached-tool: classes, settings, sizes, dumps.

They match lines by patterns and know names by heart, so the same patterns must find the same figures in both servers.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from tests.clients.conftest import Kind
from tests.memcache_server.serving import Raw
from tests.support.processes import Address

# value length -> how many of them are stored, with keys of 10 bytes
STORED = {20: 10, 100: 200, 1_000: 50, 10_000: 120, 100_000: 3, 600_000: 2}


class Row(NamedTuple):
    """A slab class as the tool displays it."""

    item_size: str
    pages: int
    count: int
    full: bool
    evicted: int
    evicted_time: int
    out_of_memory: int


ROWS = {
    1: Row("96B", 1, 10, True, 0, 0, 0),
    4: Row("192B", 1, 200, True, 0, 0, 0),
    12: Row("1.2K", 1, 50, True, 0, 0, 0),
    22: Row("10.8K", 2, 120, True, 0, 0, 0),
    32: Row("101.1K", 1, 3, True, 0, 0, 0),
    39: Row("512.0K", 1, 2, True, 0, 0, 0),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """Asks as the script does: one connection, commands in text, lines by pattern."""

    address: Address

    def lines(self, command: str) -> list[str]:
        with Raw(self.address) as asked:
            return asked.ask(command.encode() + b"\r\n", b"END\r\n").decode().splitlines()[:-1]

    def classes(self) -> dict[int, dict[str, int]]:
        """Figures of each slab class that holds items, by name, those of `stats items` and `stats slabs` together."""
        figures: dict[int, dict[str, int]] = defaultdict(dict)
        for group, pattern in (("items", r"STAT items:(\d+):(\w+) (\d+)"), ("slabs", r"STAT (\d+):(\w+) (\d+)")):
            for line in self.lines(f"stats {group}"):
                if found := re.fullmatch(pattern, line):
                    figures[int(found[1])][found[2]] = int(found[3])
        return {number: known for number, known in figures.items() if known.get("number")}

    def display(self) -> dict[int, Row]:
        return {
            number: Row(
                f"{size / 1024:.1f}K" if (size := known["chunk_size"]) >= 1024 else f"{size}B",
                known["total_pages"],
                known["number"],
                known["free_chunks_end"] == 0,
                known["evicted"],
                known["evicted_time"],
                known["outofmemory"],
            )
            for number, known in self.classes().items()
        }

    def settings(self) -> dict[str, str]:
        """Of `stats settings`."""
        return dict(re.fullmatch(r"STAT (\S+) (.*)", line).groups() for line in self.lines("stats settings"))

    def cached(self) -> dict[str, int]:
        """Key -> expiry, by asking each class for its items."""
        return {
            found[1]: int(found[2])
            for number, known in self.classes().items()
            for line in self.lines(f"stats cachedump {number} {known['number']}")
            if (found := re.fullmatch(r"ITEM (\S+) \[.* b; (-?\d+) s\]", line))
        }

    def crawled(self) -> dict[str, int]:
        """Key -> expiry, from the crawler."""
        pattern = r"key=(\S+) exp=(-?\d+) la=\d+ cas=\d+ fetch=(?:yes|no) cls=\d+ size=\d+.*"
        return {
            unquote(found[1]): int(found[2])
            for line in self.lines("lru_crawler metadump all")
            if (found := re.fullmatch(pattern, line))
        }


@pytest.fixture(scope="module")
def tool(kind: Kind) -> Iterator[Tool]:
    with kind.running() as server:
        with Raw(server.address) as client:
            for length, count in STORED.items():
                for number in range(count):
                    key = b"%06d-%03d" % (length, number)
                    assert client.ask(b"set %b 0 %d %d\r\n%b\r\n" % (key, number % 2 * 1000, length, b"x" * length))
        yield Tool(server.address)


def test_display(tool: Tool) -> None:
    assert tool.display() == ROWS


def test_figures_of_a_class_fit_together(tool: Tool) -> None:
    for number, known in tool.classes().items():
        assert known["used_chunks"] + known["free_chunks"] == known["total_chunks"], number
        assert known["total_chunks"] == known["total_pages"] * known["chunks_per_page"], number
        assert known["mem_requested"] <= known["number"] * 1_048_576
        assert known["age"] < 60
    lines = tool.lines("stats slabs")
    assert {line.split()[1] for line in lines[-2:]} == {"active_slabs", "total_malloced"}


def test_stats_are_names_and_numbers(tool: Tool) -> None:
    """The tool pads names to a column and values are one word, whatever is asked."""
    for group in ("", "items", "slabs", "settings", "sizes", "conns"):
        for line in tool.lines(f"stats {group}".strip()):
            assert re.fullmatch(r"STAT \S+ \S.*", line), line


def test_settings(tool: Tool) -> None:
    settings = tool.settings()
    assert settings["maxbytes"] == str(256 << 20)
    assert settings["item_size_max"] == "1048576"
    assert settings["evictions"] == "on"
    assert settings["growth_factor"] == "1.25"


def test_sizes(tool: Tool) -> None:
    assert tool.lines("stats sizes") == ["STAT sizes_status disabled"]


def test_dumps(tool: Tool, kind: Kind) -> None:
    keys = {f"{length:06}-{number:03}" for length, count in STORED.items() for number in range(count)}
    crawled = tool.crawled()
    assert set(crawled) == keys
    assert {key for key, expires in crawled.items() if expires == -1} == {key for key in keys if int(key[-3:]) % 2 == 0}
    with kind.running("-o", "no_lru_maintainer") as flat, Raw(flat.address) as client:
        for key in ("a", "b"):
            client.ask(f"set {key} 0 0 1\r\n1\r\n".encode())
        assert set(Tool(flat.address).cached()) == {"a", "b"}
    assert set(tool.cached()) <= keys


def test_move(tool: Tool) -> None:
    """`move` asks for a page of one class for another, and prints the answer."""
    with Raw(tool.address) as client:
        assert client.ask(b"slabs reassign 1 1\r\n") == b"SAME src and dst class are identical\r\n"
        assert client.ask(b"slabs reassign 4 5\r\n").startswith((b"NOSPARE", b"OK"))
        assert client.ask(b"slabs reassign 99 1\r\n").startswith(b"BADCLASS")
