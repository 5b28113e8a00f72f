"""The tutorial's cluster on this machine: cache servers, the DNS of their headless Service, proxies.

A pod is a server process with an ordinal and a loopback address of its own; all pods share one port, as
they do in a cluster. DNS says what `publish` last said, whether or not the pods run: so tests decide what
the proxies see, and when.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.support.fake_dns import FakeDns
from tests.support.processes import LOOPBACK, Address, Server, StartError, running
from tests.support.text_client import TextClient
from tests.support.waiting import wait_until

SERVICE = "mycache-memcached.default.svc.cluster.local"
UPSTREAM = f"dnssrv+_memcache._tcp.{SERVICE}"
TTL_S = 1  # shorter than the proxies' shortest refresh: so that one is what decides

REFRESH_S = 5.5
"""The longest time between two lookups of a proxy at that TTL (discovery's floor, and its jitter)."""

SLACK_S = 2.0
"""For a busy machine."""

_FIRST_HOST = 11
_PORT_TRIES = 5


@dataclass
class Pod:
    """A running server; `host` is its address."""

    name: str
    server: Server
    stack: ExitStack

    @property
    def host(self) -> str:
        return self.server.address[0]


def pod_name(ordinal: int) -> str:
    return f"mycache-memcached-{ordinal}"


def pod_host(ordinal: int) -> str:
    """127.0.0.11 and on."""
    return f"127.0.0.{_FIRST_HOST + ordinal}"


def server_command(host: str, port: int) -> list[str]:
    return [sys.executable, "-m", "memcache_server", "-p", str(port), "-l", host, "-u", "root"]


def proxy_command(port: int, *options: str, host: str = LOOPBACK) -> list[str]:
    return [sys.executable, "-m", "mcproxy", "--listen", f"{host}:{port}", *options]


class LocalCluster:
    """`size` pods, published; use it as a context manager."""

    def __init__(self, size: int = 3) -> None:
        self.size = size
        self.port = 0
        self.pods: dict[int, Pod] = {}
        self.dns = FakeDns()
        self._stack = ExitStack()

    def __enter__(self) -> LocalCluster:
        self._stack.enter_context(self.dns)
        self._start_pods()
        self.publish()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    # pods

    def start_pod(self, ordinal: int, host: str | None = None) -> Pod:
        """On the cluster's port; `host` when not the ordinal's usual one. DNS does not hear of it yet."""
        address = host or pod_host(ordinal)
        stack = self._stack.enter_context(ExitStack())
        server = stack.enter_context(
            running(lambda port: server_command(address, port), host=address, port=self.port or None)
        )
        self.port = server.address[1]
        pod = self.pods[ordinal] = Pod(pod_name(ordinal), server, stack)
        return pod

    def kill_pod(self, ordinal: int) -> None:
        """kill -9. DNS does not hear of it yet."""
        pod = self.pods.pop(ordinal)
        os.kill(pod.server.pid, signal.SIGKILL)
        pod.stack.close()

    def stop_pod(self, ordinal: int) -> None:
        """SIGTERM."""
        self.pods.pop(ordinal).stack.close()

    def connect(self, ordinal: int) -> TextClient:
        """A connection to the pod itself, closed with the cluster."""
        return self._stack.enter_context(TextClient(self.pods[ordinal].server.address))

    def _start_pods(self) -> None:
        """One port that is free at every address."""
        for tries_left in reversed(range(_PORT_TRIES)):
            try:
                for ordinal in range(self.size):
                    self.start_pod(ordinal)
                return
            except StartError as error:
                if not tries_left or "in use" not in str(error):
                    raise
                for ordinal in list(self.pods):
                    self.stop_pod(ordinal)
                self.port = 0

    # DNS

    def publish(self, members: Mapping[int, str] | None = None) -> None:
        """What DNS says from now on: ordinal → address; by default the pods that run."""
        if members is None:
            members = {ordinal: pod.host for ordinal, pod in self.pods.items()}
        self.dns.set_service(SERVICE, members, self.port, ttl_s=TTL_S)

    # proxies

    def start_proxy(self, *options: str, upstream: str = UPSTREAM) -> Proxy:
        """One node's proxy, on a free port; it has looked for its servers when this returns."""
        known = ("--upstream", upstream, "--nameserver", self.dns.nameserver)
        server = self._stack.enter_context(running(lambda port: proxy_command(port, *known, *options)))
        client = self._stack.enter_context(TextClient(server.address))
        assert client.ask(b"version\r\n").startswith(b"VERSION")  # it listens first, and answers when it is ready
        return Proxy(server, client)


class Proxy:
    """A running proxy, with a connection to ask it how it is."""

    def __init__(self, server: Server, client: TextClient) -> None:
        self.address: Address = server.address
        self.pid = server.pid
        self.client = client
        self._server = server

    @property
    def log(self) -> str:
        return self._server.stderr

    def stat(self, name: str) -> int:
        """One of its counters."""
        return int(self.client.stats()[name])

    def reload(self) -> None:
        """Have it look its servers up now, not when that is due."""
        os.kill(self.pid, signal.SIGHUP)

    def wait_for_servers(self, count: int, seconds: float = REFRESH_S + SLACK_S) -> None:
        """Until it knows so many: within one refresh unless told otherwise."""
        wait_until(lambda: self.stat("num_servers") == count, seconds, f"{count} servers known")

    def wait_for_log(self, text: str, seconds: float = REFRESH_S + SLACK_S) -> None:
        wait_until(lambda: text in self.log, seconds, f"{text!r} in {self.log}")


def children(pid: int) -> list[int]:
    """The processes that `pid` has started and that are still its children."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """A zombie is not: where nobody reaps orphans they stay in the table."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def connections_to(address: Address) -> int:
    """Established TCP connections to an IPv4 address of this machine, whoever made them; proc(5) net/tcp.

    The kernel writes that table in parts: while sockets come and go elsewhere, a row may appear twice or be missing.
    """
    host, port = address
    wanted = f"{bytes(reversed(bytes(map(int, host.split('.'))))).hex().upper()}:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return len({row[1] for row in rows if row[2] == wanted and row[3] == "01"})


def owners(clients: Mapping[int, TextClient], requests: Sequence[tuple[bytes, bytes]]) -> list[int | None]:
    """For each (get request, reply of a hit): the ordinal of the one pod that gives it, None when none does."""
    found: list[int | None] = [None] * len(requests)
    for ordinal, client in clients.items():
        for index, reply in enumerate(client.ask_all(request for request, _ in requests)):
            if reply == requests[index][1]:
                assert found[index] is None, f"{requests[index][0]!r} is on two servers"
                found[index] = ordinal
    return found
