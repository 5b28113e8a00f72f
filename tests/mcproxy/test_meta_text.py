"""Words of meta requests: keys and exptimes changed, and what is routed of a base64 key."""

import pytest

from mcproxy.meta_text import exptime_of, flag_of, is_plain, with_exptime, with_key
from mcproxy.request import Op
from mcproxy.request_text import exptime_of as exptime_of_request
from mcproxy.request_text import with_exptime as request_with_exptime
from mcproxy.request_text import with_key as request_with_key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"mg a v\r\n", b"mg xy v\r\n"),
        (b"mg a\r\n", b"mg xy\r\n"),
        (b"mg YQ== b v\r\n", b"mg eHk= b v\r\n"),
        (b"ms a 3 T5\r\na a\r\n", b"ms xy 3 T5\r\na a\r\n"),
        (b"ms b 3 b\r\n b \r\n", b"ms eHk= 3 b\r\n b \r\n"),
    ],
)
def test_another_key(text, expected):
    assert with_key(text, b"xy") == expected
    assert request_with_key(Op.META_SET, text, b"xy") == expected


@pytest.mark.parametrize(
    ("text", "old", "expected"),
    [
        (b"mg a v\r\n", None, b"mg a v\r\n"),
        (b"mg T1 v T30\r\n", 30, b"mg T1 v T9\r\n"),
        (b"ms a 3 c\r\nT1 \r\n", 0, b"ms a 3 c T9\r\nT1 \r\n"),
        (b"ms a 3 T-1 c\r\nabc\r\n", -1, b"ms a 3 T9 c\r\nabc\r\n"),
        (b"md a I T30\r\n", 30, b"md a I T9\r\n"),
    ],
)
def test_another_exptime(text, old, expected):
    assert exptime_of(text) == exptime_of_request(Op.META_GET, text) == old
    assert with_exptime(text, 9) == request_with_exptime(Op.META_GET, text, 9) == expected


def test_a_flag_is_found_among_flags_only():
    assert flag_of(b"ms T1 9 T2\r\nxx T3 xxxx\r\n", b"T") == b"T2"
    assert flag_of(b"mg v t\r\n", b"v") is None


def test_keys_that_no_plain_line_can_have():
    assert is_plain(b"plain\xff\x01")
    assert not any(map(is_plain, (b"a b", b"a\r\nflush_all", b"a\n", b"\0")))
