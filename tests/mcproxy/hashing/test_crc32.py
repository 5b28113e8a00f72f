"""Crc32 against the vectors of mcrouter's own tests."""

from collections.abc import Sequence

import pytest

from mcproxy.hashing import HASH_FUNCTIONS, HashOptions, Node
from tests.mcproxy.hashing.choosing import ALL_BYTES, ALL_BYTES_REVERSED


class ManyNodes(Sequence[Node | None]):
    """As many slots as the vector wants, without the memory."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: object) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize("name", ["Crc32", "crc32"])
@pytest.mark.parametrize(
    ("key", "n", "slot"),
    [
        (b"sample", 100, 7),
        (b"sample", 2**30 - 1, 822834884),
        (ALL_BYTES, 99999, 11697),
        (ALL_BYTES_REVERSED, 99999, 97630),
    ],
)
def test_vector(name: str, key: bytes, n: int, slot: int) -> None:
    assert HASH_FUNCTIONS[name](ManyNodes(n), HashOptions())(key) == slot
