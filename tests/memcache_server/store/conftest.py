"""Where the store's tests put their files."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MEMORY = Path("/dev/shm")


@pytest.fixture
def path() -> Iterator[Path]:
    """A memory file's, where one belongs: on a disk every page that is given back takes milliseconds."""
    directory = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mcfleet-test-", dir=directory) as scratch:
        yield Path(scratch, "memory")
