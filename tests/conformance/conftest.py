"""The two servers, one of each for a test process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.compare import Comparison
from tests.support.processes import Server, memcache_server_command, memcached_command, running

# Both are started so. Without its maintainer the original is deterministic: which items a background pass has
# already freed shows in counters, and one that holds an item makes incr replace it instead of padding.
QUIET = ("-o", "no_lru_maintainer")


@pytest.fixture(scope="session")
def original() -> Iterator[Server]:
    with running(lambda port: memcached_command(port, *QUIET)) as server:
        yield server


@pytest.fixture(scope="session")
def ours() -> Iterator[Server]:
    with running(lambda port: memcache_server_command(port, *QUIET)) as server:
        yield server


@pytest.fixture
def comparison(ours: Server, original: Server) -> Iterator[Comparison]:
    with Comparison(ours.address, original.address) as compared:
        yield compared


Start = Callable[[bool, str], Server]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """A server of ours (True) or the original with these flags; each kind is started once and kept.

    USERS in the flags is a password file with the user a and the password b.
    """
    users = tmp_path_factory.mktemp("login") / "users"
    users.write_text("a:b\n")
    started: dict[tuple[bool, str], Server] = {}
    with ExitStack() as stack:

        def server(is_ours: bool, flags: str) -> Server:
            if (is_ours, flags) not in started:
                command = memcache_server_command if is_ours else memcached_command
                words = flags.replace("USERS", os.fspath(users)).split()
                started[is_ours, flags] = stack.enter_context(running(lambda port: command(port, *words)))
            return started[is_ours, flags]

        yield server
