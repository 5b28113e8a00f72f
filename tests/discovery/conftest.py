"""A DNS server per test, empty and healthy."""

from collections.abc import Iterator

import pytest

from tests.support.fake_dns import FakeDns


@pytest.fixture
def dns() -> Iterator[FakeDns]:
    with FakeDns() as server:
        yield server
