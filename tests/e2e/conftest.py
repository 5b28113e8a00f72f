"""A cluster of three pods for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.local_cluster import LocalCluster


@pytest.fixture
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster() as running_cluster:
        yield running_cluster
