"""`python -m mcproxy` without a word about servers: three of our own, which end with it however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheUnexpectedCloseError

from tests.support.processes import free_port
from tests.support.text_client import TextClient


@contextmanager
def alone(*words):
    """(process, port, admin port) of a proxy that was told of no servers."""
    port, admin = free_port(), free_port()
    environment = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
    command = [sys.executable, "-m", "mcproxy", "--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"]
    process = subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "embedded cluster: " in line)
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", line)]
        assert "3 servers of 64 MB" in line
        assert len(set(ports)) == 3
        next(line for line in process.stderr if "listening on" in line)
        yield process, port, ports
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def connected(port):
    client = Client(("127.0.0.1", port), connect_timeout=1, timeout=5)
    try:
        return client.version()
    except (OSError, MemcacheUnexpectedCloseError):  # it is gone, or goes while it is asked
        return b""
    finally:
        client.close()


def wait_until_gone(ports):
    deadline = time.monotonic() + 10
    while any(connected(port) for port in ports):
        assert time.monotonic() < deadline, "the servers outlive the proxy"
        time.sleep(0.02)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("words", [(), ("--num-proxies", "2")])
def test_the_servers_end_with_the_proxy(stop, words):
    with alone(*words) as (process, port, ports):
        client = Client(("127.0.0.1", port))
        for number in range(30):
            assert client.set(f"key{number}", str(number), noreply=False)
        assert client.get("key7") == b"7"
        assert client.version().endswith(b"(embedded cluster of 3)")
        with TextClient(("127.0.0.1", port)) as asking:
            assert asking.stats()["servers_from"].startswith("embedded cluster: 3 servers of 64 MB")
        client.close()
        assert all(connected(server) for server in ports)
        process.send_signal(stop)
        assert process.wait(10) == (-signal.SIGKILL if stop == signal.SIGKILL else 0)
        wait_until_gone(ports)
