"""twemproxy in front of real servers: which server does it store a key on?"""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from tests.support.processes import LOOPBACK, Address, running
from tests.support.waiting import wait_until

Pool = Mapping[str, str | Sequence[str]]
"""Settings as in twemproxy's configuration file; `servers` is a list of its server strings."""


def pool_text(name: str, socket_path: Path, pool: Pool) -> str:
    """One pool of the configuration file."""
    lines = [f"{name}:", f"  listen: {socket_path}"]
    for setting, value in pool.items():
        if isinstance(value, str):
            lines.append(f"  {setting}: {value}")
        else:
            lines += [f"  {setting}:", *(f"   - {item}" for item in value)]
    return "\n".join(lines) + "\n"


@contextmanager
def nutcracker(pools: Mapping[str, Pool]) -> Iterator[dict[str, Path]]:
    """Run twemproxy with these pools: name -> Unix socket it listens on."""
    with tempfile.TemporaryDirectory(prefix="mcfleet-test-") as scratch:
        sockets = {name: Path(scratch, name) for name in pools}
        config = Path(scratch, "nutcracker.yml")
        config.write_text("".join(pool_text(name, sockets[name], pool) for name, pool in pools.items()))
        program = shutil.which("nutcracker") or "/usr/sbin/nutcracker"
        # Its statistics port is the one TCP port it has; it may accept a moment before the pools do.
        with running(lambda port: [program, "-c", str(config), "-a", LOOPBACK, "-s", str(port)]):
            for path in sockets.values():
                wait_until(partial(_accepts, path), 10, f"twemproxy accepts at {path}")
            yield sockets


def _accepts(path: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as client:
        return client.connect_ex(str(path)) == 0


def store_through(socket_path: Path, keys: Sequence[bytes]) -> None:
    """Set every key by the proxy at that socket."""
    with closing(socket.socket(socket.AF_UNIX)) as client:
        client.settimeout(20)
        client.connect(str(socket_path))
        replies = client.makefile("rb")
        for first in range(0, len(keys), 100):
            batch = keys[first : first + 100]
            client.sendall(b"".join(b"set %b 0 0 1\r\nx\r\n" % key for key in batch))
            for key in batch:
                reply = replies.readline()
                assert reply == b"STORED\r\n", (key, reply)


def keys_held(address: Address, keys: Sequence[bytes]) -> set[bytes]:
    """Those of the keys that the server at the address holds."""
    held: set[bytes] = set()
    with closing(socket.create_connection(address, timeout=20)) as client:
        replies = client.makefile("rb")
        for first in range(0, len(keys), 50):
            client.sendall(b"get " + b" ".join(keys[first : first + 50]) + b"\r\n")
            while (line := replies.readline()) != b"END\r\n":
                assert line.startswith(b"VALUE "), line
                held.add(line.split(b" ")[1])
                replies.readline()
    return held
