"""ConstShard: which keys name their slot."""

import pytest

from tests.mcproxy.hashing.choosing import select_by


@pytest.mark.parametrize(
    ("key", "slot"),
    [(b"user:0:x", 0), (b"user:9:x", 9), (b"user:007:x", 7), (b":3:", 3), (b"user:4:x:5:y", 4)],
)
def test_key_names_its_slot(key: bytes, slot: int) -> None:
    assert select_by("ConstShard", 10)(key) == slot


@pytest.mark.parametrize(
    "key", [b"user", b"user:3", b"user:10:x", b"user:-1:x", b"user: 3:x", b"user::x", b"user:3a:x", b""]
)
def test_other_keys_go_by_ch3(key: bytes) -> None:
    assert select_by("ConstShard", 10)(key) == select_by("Ch3", 10)(key)
