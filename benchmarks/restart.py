"""`python -m benchmarks.restart`: a warm restart with many items: how long until it accepts, and until it serves."""

import argparse
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.memory import fill
from benchmarks.process import free_port

_KEY, _VALUE = 30, 100


def main() -> None:
    """Fill, stop, start, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restart", description=__doc__)
    parser.add_argument("--items", type=int, default=5_000_000)
    parser.add_argument("--directory", default="/dev/shm", help="where the memory file is made")
    options = parser.parse_args()
    megabytes = options.items * 200 * 21 // 20 // (1 << 20) + 64
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        path, port = Path(directory, "memory"), free_port()
        command = [
            sys.executable, "-m", "memcache_server", "-l", "127.0.0.1", "-p", str(port), "-u", "root",
            "-m", str(megabytes), "-e", str(path),
        ]
        server = subprocess.Popen(command)
        with connected(port) as client:
            fill(client, _KEY, (_VALUE,), 0, options.items)
        began = time.monotonic()
        server.send_signal(signal.SIGUSR1)
        status = server.wait()
        sizes = [file.stat().st_blocks * 512 >> 20 for file in (path, path.with_name(f"{path.name}.meta"))]
        print(f"stopped in {time.monotonic() - began:.2f} s, exit status {status}, files of {sizes} MB")
        began = time.monotonic()
        server = subprocess.Popen(command)
        try:
            with connected(port) as client:
                accepted = time.monotonic()
                client.sendall(b"get %0*d\r\n" % (_KEY, 0))
                assert client.recv(1000).startswith(b"VALUE")
                print(f"accepts after {accepted - began:.2f} s, serves after {time.monotonic() - began:.2f} s")
                print(f"{_hits(client, options.items)} of {options.items} items are there")
        finally:
            server.terminate()
            server.wait()


def connected(port: int) -> socket.socket:
    """A connection, as soon as it is accepted."""
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), 60)
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            client.settimeout(120)
            return client


def _hits(client: socket.socket, items: int) -> int:
    for start in range(0, items, 100):
        numbers = range(start, min(start + 100, items))
        client.sendall(b"get %b\r\n" % b" ".join(b"%0*d" % (_KEY, number) for number in numbers))
        answer = b""
        while not answer.endswith(b"END\r\n"):
            answer += client.recv(1 << 20)
    client.sendall(b"stats\r\n")
    answer = b""
    while not answer.endswith(b"END\r\n"):
        answer += client.recv(1 << 20)
    return int(answer.partition(b"STAT get_hits ")[2].partition(b"\r\n")[0]) - 1


if __name__ == "__main__":
    main()
