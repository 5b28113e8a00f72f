"""`python -m mcproxy` as a process: exit statuses, workers, the admin port."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing, contextmanager

import pytest
from pymemcache.client.base import Client

from tests.support.processes import free_port, memcached_command, running

MCPROXY = [sys.executable, "-m", "mcproxy"]


def run(*words, env=None, timeout=20):
    """(status, stderr) of a run that ends by itself."""
    environment = {"PATH": "/usr/bin:/bin", **(env or {})}
    done = subprocess.run(
        [*MCPROXY, *words], check=False, capture_output=True, text=True, env=environment, timeout=timeout
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("--config", "/no/such/file"), 3, "Can not read config: /no/such/file: No such file or directory"),
        (("-f", "/no/such/file"), 3, "Can not read config: /no/such/file"),
        (("--config", '{"route":\n"XYZRoute"}'), 3, "Unknown RouteHandle: XYZRoute line: 2"),
        (("--config", "{"), 3, "Can not read config <command line>: invalid JSON"),
        (("-t", "soon"), 3, '-t/--server-timeout: "soon" is not a whole number'),
        (("--upstream", "h:0"), 3, "upstream 'h:0'"),
        (("--listen", "127.0.0.1:x"), 3, "--listen"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(words, status, told):
    code, error = run("-p", str(free_port()), *words) if "--listen" not in words else run(*words)
    assert code == status
    assert told in error
    assert len([line for line in error.splitlines() if " info " not in line]) == 1


def test_the_config_files_name_and_line(tmp_path):
    path = tmp_path / "mcrouter.json"
    path.write_text('{\n  "pools": {},\n  "route": "PoolRoute|A"\n}\n')
    code, error = run("-p", str(free_port()), "-f", str(path))
    assert code == 3
    assert f"Can not read config {path}: no pool is called 'A' line: 3" in error


def test_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, error = run("--listen", f"127.0.0.1:{port}", "--upstream", "127.0.0.1:1")
        assert code == 2
        assert error.strip() == f"cannot listen on 127.0.0.1:{port}: Address already in use"


def test_no_embedded_cluster_inside_a_pod():
    code, error = run("-p", str(free_port()), env={"KUBERNETES_SERVICE_HOST": "10.96.0.1"})
    assert code == 3
    assert len(error.splitlines()) == 1
    assert "no servers given" in error


def test_version_and_settings():
    done = subprocess.run([*MCPROXY, "--version"], check=False, capture_output=True, text=True)
    assert done.stdout.startswith("mcrouter mcfleet-")
    done = subprocess.run(
        [*MCPROXY, "--print-settings", "--upstream", "h:1"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "upstream" in done.stdout


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def ready(port):
    try:
        return get(port, "/readyz")[0] == 200
    except OSError:
        return False


@contextmanager
def two_memcached():
    with running(memcached_command) as first, running(memcached_command) as second:
        yield [f"127.0.0.1:{server.address[1]}" for server in (first, second)]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_process_with_real_servers(workers):
    admin = free_port()
    with two_memcached() as upstreams:
        words = ["--num-proxies", str(workers), "--admin", f"127.0.0.1:{admin}", "--log-format", "json"]
        words += [word for address in upstreams for word in ("--upstream", address)]
        with running(lambda port: [*MCPROXY, "--listen", f"127.0.0.1:{port}", *words]) as proxy, ExitStack() as stack:
            clients = [stack.enter_context(closing(Client(proxy.address))) for _ in range(12)]
            for number, client in enumerate(clients):
                assert client.set(f"k{number}", f"v{number}", noreply=False)
            for number, client in enumerate(clients):
                assert client.get(f"k{number}") == f"v{number}".encode()
                assert len(client.get_many([f"k{n}" for n in range(12)])) == 12
            wait_for(lambda: ready(admin))
            wait_for(lambda: 'mcrouter_command_count{cmd="set"} 12.0' in get(admin, "/metrics")[1])
            text = get(admin, "/metrics")[1]
            assert 'mcrouter_command_count{cmd="get"} 156.0' in text
            assert text.count("mcrouter_server_duration_us{") == 2
            assert get(admin, "/healthz") == (200, "ok\n")
            assert get(admin, "/readyz")[1].startswith("ready: 2 servers, upstream")
            stats = clients[0].stats()
            assert stats[b"cmd_set_count"] in (12, b"12")
            log = proxy.stderr
        assert all(json.loads(line)["message"] for line in log.splitlines())


def test_sigterm_drains_and_ends_with_0():
    with two_memcached() as upstreams:
        port = free_port()
        process = subprocess.Popen(
            [*MCPROXY, "--listen", f"127.0.0.1:{port}", "--upstream", upstreams[0]], stderr=subprocess.DEVNULL
        )
        try:
            client = Client(("127.0.0.1", port))
            wait_for(lambda: _try_set(client))
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        finally:
            process.kill()
            process.wait()
            client.close()


def _try_set(client):
    try:
        return client.set("k", "v", noreply=False)
    except OSError:
        return False
