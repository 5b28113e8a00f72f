"""The two servers, one of each for a test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.compare import Comparison
from tests.support.processes import Server, memcache_server_command, memcached_command, running

# Without its background threads the original is deterministic: which items an LRU or crawler pass has
# already freed shows in counters, and one that holds an item makes incr replace it instead of padding.
QUIET = ("-o", "no_lru_maintainer,no_lru_crawler")


@pytest.fixture(scope="session")
def original() -> Iterator[Server]:
    with running(lambda port: memcached_command(port, *QUIET)) as server:
        yield server


@pytest.fixture(scope="session")
def ours() -> Iterator[Server]:
    with running(memcache_server_command) as server:
        yield server


@pytest.fixture
def comparison(ours: Server, original: Server) -> Iterator[Comparison]:
    with Comparison(ours.address, original.address) as compared:
        yield compared
