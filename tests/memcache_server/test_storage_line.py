"""Key and client flags of storage lines, before their values have come."""

from __future__ import annotations

import pytest

from memcache_server.storage_line import named_item


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"set k 7 0 3", (b"k", b"7")),
        (b"cas k 007 0 3 1 noreply", (b"k", b"7")),
        (b"set k x 0 3", None),
        (b"set k 4294967296 0 3", (b"k", b"0")),
        (b"set " + b"k" * 251 + b" 0 0 3", None),
        (b"ms k 3", (b"k", b"0")),
        (b"ms k 3 F9 T0", (b"k", b"9")),
        (b"ms a2V5 3 b", (b"key", b"0")),
        (b"ms k 3 Fx", None),
    ],
)
def test_named_item(line: bytes, named: tuple[bytes, bytes] | None) -> None:
    assert named_item(line.split(b" ")) == named
