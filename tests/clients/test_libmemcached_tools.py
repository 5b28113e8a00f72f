"""libmemcached's command-line tools, each with what it can be asked for over the text protocol."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.clients.conftest import Kind
from tests.support.processes import LOOPBACK, Server, free_port
from tests.support.waiting import wait_until

TOOLS = (
    *(
        "memccat",
        "memccp",
        "memcdump",
        "memcexist",
        "memcflush",
        "memcping",
        "memcrm",
        "memcslap",
        "memcstat",
        "memctouch",
    ),
    "memcaslap",
)
ITEM_MAX = 1_048_576


class Tools:
    """The tools, run beside some files: they take the file's name for the key."""

    def __init__(self, servers: Sequence[Server], folder: Path) -> None:
        self.servers = ",".join("{}:{}".format(*server.address) for server in servers)
        self.folder = folder

    def run(self, tool: str, *arguments: str, status: int = 0) -> str:
        """What the tool prints, errors too. It must end with this exit status."""
        command = [tool, f"--servers={self.servers}", *arguments]
        ended = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=60, check=False)
        output = (ended.stdout + ended.stderr).decode()
        assert ended.returncode == status, output
        return output

    def store(self, *names: str, value: bytes = b"hello", options: Sequence[str] = ()) -> None:
        for name in names:
            (self.folder / name).write_bytes(value)
        self.run("memccp", *options, *names)

    def figure(self, tool: str, *arguments: str, line: str) -> float:
        """The number on the first line of the tool's output that matches."""
        output = self.run(tool, *arguments)
        found = re.search(line, output)
        assert found, output
        return float(found[1])


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        pytest.skip(f"NOT TESTED WITH {missing}: not installed (Debian package libmemcached-tools)")


@pytest.fixture
def tools(server: Server, tmp_path: Path) -> Tools:
    return Tools([server], tmp_path)


@pytest.fixture
def cluster(three_servers: list[Server], tmp_path: Path) -> Iterator[Tools]:
    yield Tools(three_servers, tmp_path)


def test_memcping(cluster: Tools, tmp_path: Path) -> None:
    assert cluster.run("memcping") == ""
    cluster.servers = f"{LOOPBACK}:{free_port()}"
    assert "CONNECTION FAILURE" in cluster.run("memcping", status=1)


def test_memccp_and_memccat(tools: Tools) -> None:
    tools.run("memcrm", "a", "b", status=1)
    tools.store("a")
    tools.store("b", value=b"two\r\nlines")
    assert tools.run("memccat", "a", "b") == "hello\ntwo\r\nlines\n"
    assert tools.run("memccat", "absent", status=1) == ""
    assert tools.run("memccat", "--flags", "a") == "0\nhello\n"
    assert "NOT STORED" in tools.run("memccp", "--add", "a", status=1)
    tools.store("a", value=b"new", options=["--replace", "--flags=5", "--expire=1000"])
    assert tools.run("memccat", "--flags", "a") == "5\nnew\n"
    tools.run("memcrm", "a")
    assert "NOT STORED" in tools.run("memccp", "--replace", "a", status=1)
    tools.run("memccp", "--add", "a")
    assert tools.run("memccat", "--verbose", "a") == "key: a\nvalue: new\n"


@pytest.mark.parametrize("size", [0, 1, 2_000, 100_000, 600_000, ITEM_MAX - 200])
def test_files_of_many_sizes(size: int, tools: Tools) -> None:
    value = (b"0123456789" * (size // 10 + 1))[:size]
    tools.store("file", value=value)
    tools.run("memccat", "--file=copy", "file")
    assert (tools.folder / "copy").read_bytes() == value


def test_a_file_too_large(tools: Tools) -> None:
    tools.store("large")
    (tools.folder / "large").write_bytes(b"x" * (ITEM_MAX + 1))
    assert "ITEM TOO BIG" in tools.run("memccp", "large", status=1)
    assert tools.run("memccat", "large", status=1) == ""


@pytest.mark.parametrize("options", [["--tcp-nodelay"], ["--non-blocking"], ["--hash=md5"], ["--hash=crc"]])
def test_options_of_the_connection(options: list[str], cluster: Tools) -> None:
    names = [f"{options[0]}-{number}".replace("-", "") for number in range(20)]
    for name in names:
        (cluster.folder / name).write_text(name)
    cluster.run("memccp", *options, *names)
    assert cluster.run("memccat", *options, *names).split() == names
    cluster.run("memcrm", *options, *names)
    cluster.run("memcexist", *options, names[0], status=1)


def test_memcexist_memctouch_memcrm(tools: Tools) -> None:
    tools.store("a")
    tools.run("memcexist", "a")
    assert tools.run("memccat", "a") == "hello\n"
    tools.run("memctouch", "--expire=1000", "a")
    tools.run("memcrm", "a")
    for tool in ("memcexist", "memctouch", "memcrm"):
        tools.run(tool, "a", status=1)


def test_memcflush(cluster: Tools) -> None:
    names = [f"flushed-{number}" for number in range(20)]
    cluster.store(*names)
    cluster.run("memcflush")
    for name in names[:3]:
        cluster.run("memcexist", name, status=1)


def test_memcstat(cluster: Tools, three_servers: list[Server]) -> None:
    addresses = ["{}:{}".format(*server.address) for server in three_servers]
    versions = cluster.run("memcstat", "--server-version").split("\n")[:-1]
    assert [line.split()[0] for line in versions] == addresses
    assert all(line.split()[1].startswith("1.6.") for line in versions)
    general = cluster.run("memcstat")
    assert re.findall(r"^Server: (\S+) \((\d+)\)$", general, re.MULTILINE) == [
        tuple(address.split(":")) for address in addresses
    ]
    assert len(re.findall(r"^\tlimit_maxbytes: 268435456$", general, re.MULTILINE)) == 3
    assert "\tgrowth_factor: 1.25\n" in cluster.run("memcstat", "--args=settings")
    cluster.store("a")
    assert "\titems:1:number: " in cluster.run("memcstat", "--args=items")
    assert "\t1:chunk_size: 96\n" in cluster.run("memcstat", "--args=slabs")
    assert re.search(r"Number of Servers Analyzed +: 3\n", cluster.run("memcstat", "--analyze"))
    latencies = cluster.run("memcstat", "--analyze=latency", "--iterations=20")
    assert re.findall(r"\((\d+)\) +=>", latencies)[:3] == [address.split(":")[1] for address in addresses]


@pytest.mark.parametrize("options", [[], ["--noreply"], ["--non-blocking"], ["--tcp-nodelay"]])
@pytest.mark.parametrize("work", ["get", "set", "mget"])
def test_memcslap(work: str, options: list[str], tools: Tools) -> None:
    arguments = [f"--test={work}", "--execute-number=200", "--concurrency=2", *options]
    assert tools.figure("memcslap", *arguments, line=rf"Time to {work} +(\d+) keys by +2 threads") == 400


@pytest.mark.parametrize(
    "options",
    [["-v", "1.0"], ["-d", "10"], ["-X", "20000", "-x", "500"], ["-e", "0.5", "-o", "0.5"]],
)
def test_memcaslap(options: list[str], tools: Tools) -> None:
    """It counts what it did not find, and with -v what came back changed."""
    arguments = ["--threads=1", "--concurrency=4", "--execute_number=2000", "--fixed_size=100", *options]
    output = tools.run("memcaslap", *arguments)
    figures = {name: int(figure) for name, figure in re.findall(r"^(\w+): (\d+)$", output, re.MULTILINE)}
    assert figures["cmd_get"] >= 400
    assert figures["cmd_set"] >= 40
    assert figures["get_misses"] == 0
    assert figures.get("verify_misses", 0) == figures.get("verify_failed", 0) == 0


@pytest.mark.parametrize("options", [(), ("-o", "no_lru_maintainer")], ids=["segmented", "flat"])
def test_memcdump(options: tuple[str, ...], kind: Kind, tmp_path: Path) -> None:
    """Asks each class for its list of what goes next: with the segmented LRU an item needs a moment to come there."""
    keys = {f"dumped-{number}" for number in range(100)}
    with kind.running(*options) as one, kind.running(*options) as other:
        tools = Tools([one, other], tmp_path)
        assert tools.run("memcdump") == ""
        tools.store(*(key for key in keys if int(key[7:]) < 50))
        tools.store(*(key for key in keys if int(key[7:]) >= 50), value=b"x" * 1000)
        wait_until(lambda: set(tools.run("memcdump").split()) == keys, 20, "every key is dumped")
        tools.run("memcrm", "dumped-1")
        assert set(tools.run("memcdump").split()) == keys - {"dumped-1"}
        tools.run("memcflush")
        tools.store("dumped-1")
        wait_until(lambda: "dumped-1" in tools.run("memcdump").split(), 20, "what came after the flush is dumped")


def test_the_binary_protocol_is_refused_at_once(kind: Kind, tools: Tools) -> None:
    tools.store("a")
    if kind.ours:
        assert tools.run("memccat", "--binary", "a", status=1) != "hello\n"
    else:
        assert tools.run("memccat", "--binary", "a") == "hello\n"
