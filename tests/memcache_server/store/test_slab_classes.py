"""Classes and sizes equal the original's."""

import pytest

from memcache_server.store.slab_classes import SlabClasses, chunk_sizes

DEFAULT = (
    96, 120, 152, 192, 240, 304, 384, 480, 600, 752, 944, 1184, 1480, 1856, 2320, 2904, 3632, 4544, 5680, 7104, 8880,
    11104, 13880, 17352, 21696, 27120, 33904, 42384, 52984, 66232, 82792, 103496, 129376, 161720, 202152, 252696,
    315872, 394840, 524288,
)  # fmt: skip


def test_default_classes() -> None:
    assert chunk_sizes() == DEFAULT


def test_growth_factor_and_minimum() -> None:
    assert chunk_sizes(2.0)[:4] == (96, 192, 384, 768)
    assert chunk_sizes(1.25, 100)[0] == 152
    assert len(chunk_sizes(1.01)) == 63


@pytest.mark.parametrize(("size", "slab_class"), [(1, 1), (96, 1), (97, 2), (120, 2), (524288, 39), (524289, 0)])
def test_class_for(size: int, slab_class: int) -> None:
    assert SlabClasses(chunk_sizes()).class_for(size) == slab_class
