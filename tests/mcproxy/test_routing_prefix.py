import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcproxy.routing_prefix import hashed_part, split_prefix


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"key", (b"", b"key")),
        (b"/region/cluster/key", (b"/region/cluster/", b"key")),
        (b"/././key", (b"/././", b"key")),
        (b"/a/b/c/d", (b"/a/b/", b"c/d")),
        (b"/a/b/", (b"/a/b/", b"")),
        (b"/a/b", (b"", b"/a/b")),
        (b"/a", (b"", b"/a")),
        (b"/", (b"", b"/")),
        (b"//", (b"", b"//")),
        (b"///k", (b"///", b"k")),
        (b"a/b/c/d", (b"", b"a/b/c/d")),
        (b"", (b"", b"")),
    ],
)
def test_split_prefix(key, expected):
    assert split_prefix(key) == expected


@given(st.binary(max_size=40))
def test_nothing_of_a_key_is_lost(key):
    prefix, rest = split_prefix(key)
    assert prefix + rest == key
    assert prefix.count(b"/") in (0, 3)


@pytest.mark.parametrize(
    ("key", "expected"),
    [(b"a|#|b", b"a"), (b"a", b"a"), (b"|#|b", b""), (b"a|#|b|#|c", b"a"), (b"a|#b", b"a|#b")],
)
def test_hashed_part(key, expected):
    assert hashed_part(key) == expected
