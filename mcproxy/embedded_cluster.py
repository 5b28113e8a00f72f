"""Three cache servers of our own beside the proxy: what `python -m mcproxy` is when it is told of no servers.

They are ordinary memcache_server processes on loopback ports. They live as long as this process: it stops
them, and if it is killed the end of a pipe tells them (mcdaemon/lifeline.py).
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

from mcdaemon.errors import StartError
from mcdaemon.lifeline import Lifeline

log = logging.getLogger(__name__)

SERVERS = 3
MEGABYTES = 64
HOST = "127.0.0.1"
_START_S, _STOP_S, _STEP_S = 10.0, 3.0, 0.005
_TRIES = 3
_EXIT = 3


class EmbeddedCluster:
    """Started by the constructor; raises StartError when a server does not come up."""

    def __init__(self) -> None:
        self._lifeline = Lifeline()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.addresses: list[str] = []
        try:
            for _ in range(SERVERS):
                self._start_server()
            self._wait_until_accepting(time.monotonic() + _START_S)
        except BaseException:
            self.stop()
            raise
        log.info("embedded cluster: %s", self.text)

    @property
    def text(self) -> str:
        """For people: how many servers, how large, where."""
        return f"{SERVERS} servers of {MEGABYTES} MB at {', '.join(self.addresses)}"

    def stop(self) -> None:
        """Stop all servers and wait for their end."""
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + _STOP_S
        for process in self._processes:
            try:
                process.wait(max(deadline - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self._lifeline.close()

    def _start_server(self) -> None:
        port = _free_port()
        self._processes.append(
            subprocess.Popen(
                server_command(port),
                stdin=subprocess.DEVNULL,
                pass_fds=self._lifeline.pass_fds,
                env={**os.environ, **self._lifeline.environment},
                process_group=0,  # Ctrl-C is for the proxy, which drains first
            )
        )
        self.addresses.append(f"{HOST}:{port}")

    def _wait_until_accepting(self, deadline: float) -> None:
        for number, address in enumerate(list(self.addresses)):
            tries = 1
            while not _accepts(address):
                status = self._processes[number].poll()
                if status is not None and tries < _TRIES:  # somebody took its port first
                    tries += 1
                    address = self._replace(number)
                elif status is not None or time.monotonic() > deadline:
                    raise StartError(f"the embedded cluster's server at {address} does not start", _EXIT)
                time.sleep(_STEP_S)

    def _replace(self, number: int) -> str:
        self._start_server()
        self._processes[number] = self._processes.pop()
        self.addresses[number] = self.addresses.pop()
        return self.addresses[number]


def server_command(port: int) -> Sequence[str]:
    """The command line of one server. As root it is told so: nobody needs three warnings about it."""
    user = ("-u", "root") if os.geteuid() == 0 else ()
    options = ("-l", HOST, "-p", str(port), "-U", "0", "-m", str(MEGABYTES), *user)
    return (sys.executable, "-m", "memcache_server", *options)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
