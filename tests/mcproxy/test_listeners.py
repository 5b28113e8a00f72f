"""Other ways to listen, and to log."""

import socket
import subprocess
import sys
from contextlib import contextmanager

from tests.support.waiting import wait_until

CONFIG = '{"route": "NullRoute"}'


@contextmanager
def proxy(*words, pass_fds=()):
    process = subprocess.Popen(
        [sys.executable, "-m", "mcproxy", "--config", CONFIG, *words], stderr=subprocess.PIPE, pass_fds=pass_fds
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def answer(family, address):
    """A miss, or an empty text while nobody listens."""
    with socket.socket(family) as client:
        client.settimeout(5)
        try:
            client.connect(address)
        except OSError:
            return b""
        client.sendall(b"get k\r\n")
        return client.recv(100)


def test_a_unix_socket(tmp_path):
    path = str(tmp_path / "s")
    with proxy("--unix-domain-sock", path, "--num-proxies", "2"):
        wait_until(lambda: answer(socket.AF_UNIX, path) == b"END\r\n", 10, "an answer")


def test_a_socket_that_another_process_opened():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with proxy("--listen-sock-fd", str(listener.fileno()), pass_fds=[listener.fileno()]):
            assert answer(socket.AF_INET, listener.getsockname()) == b"END\r\n"


def test_either_a_unix_socket_or_ports():
    done = subprocess.run(
        [sys.executable, "-m", "mcproxy", "--unix-domain-sock", "/x", "-p", "5000"], check=False, capture_output=True
    )
    assert done.returncode == 3
    assert b"either a Unix socket or TCP ports" in done.stderr


def test_a_log_file_says_what_is_not_there(tmp_path):
    path, log = str(tmp_path / "s"), tmp_path / "log"
    with proxy("--unix-domain-sock", path, "--log-path", str(log)):
        wait_until(lambda: answer(socket.AF_UNIX, path) == b"END\r\n", 10, "an answer")
        wait_until(lambda: "behaves as with --asynclog-disable" in log.read_text(), 10, "a line of the log")
    log.unlink()
    with proxy("--unix-domain-sock", path, "--log-path", str(log), "--asynclog-disable"):
        wait_until(lambda: answer(socket.AF_UNIX, path) == b"END\r\n", 10, "an answer")
        wait_until(lambda: "listening on" in log.read_text(), 10, "a line of the log")
    assert "not spooled" not in log.read_text()


def test_a_log_file_that_cannot_be():
    done = subprocess.run(
        [sys.executable, "-m", "mcproxy", "--config", CONFIG, "-L", "/no/such/log"], check=False, capture_output=True
    )
    assert done.returncode == 3
    assert b"--log-path /no/such/log: No such file or directory" in done.stderr


def test_validate_config_ends_with_the_verdict():
    for config, status in ((CONFIG, 0), ('{"route": "XYZRoute"}', 3)):
        done = subprocess.run(
            [sys.executable, "-m", "mcproxy", "--config", config, "--validate-config"], check=False, capture_output=True
        )
        assert done.returncode == status
