"""Servers for the clients: ours, and the original, on which every expectation is proven."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest

from tests.support.processes import Server, memcache_server_command, memcached_command, running

COMMANDS = {"memcache_server": memcache_server_command, "memcached": memcached_command}


@dataclass(frozen=True, slots=True)
class Kind:
    """Ours or the original."""

    name: str

    @property
    def ours(self) -> bool:
        return self.name == "memcache_server"

    def running(self, *options: str, port: int | None = None) -> AbstractContextManager[Server]:
        """A server of this kind with further options, until the block ends."""
        return running(lambda chosen: COMMANDS[self.name](chosen, *options), port=port)


@pytest.fixture(scope="session", params=["memcache_server", pytest.param("memcached", marks=pytest.mark.memcached)])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "memcached" and shutil.which("memcached") is None:
        pytest.skip("EXPECTATIONS OF CLIENTS NOT PROVEN: memcached is not installed (Debian package memcached)")
    return Kind(request.param)


@pytest.fixture(scope="session")
def server(kind: Kind) -> Iterator[Server]:
    with kind.running() as started:
        yield started


@pytest.fixture(scope="session")
def three_servers(kind: Kind, server: Server) -> Iterator[list[Server]]:
    with ExitStack() as others:
        yield [server, *(others.enter_context(kind.running()) for _ in range(2))]
