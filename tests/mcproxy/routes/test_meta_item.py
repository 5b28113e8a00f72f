import pytest

from mcproxy.request_text import Hit
from mcproxy.routes.meta_item import (
    has_winner,
    idle_ttl_text,
    item_text,
    parse_item,
    parse_ttl,
    presence_text,
    ttl_text,
)


def test_what_is_asked():
    assert item_text(b"k") == b"mg k f t v\r\n"
    assert ttl_text(b"k") == b"mg k t\r\n"
    assert idle_ttl_text(b"k") == b"mg k u t\r\n"
    assert presence_text(b"k") == b"mg k\r\n"


@pytest.mark.parametrize(
    ("raw", "item"),
    [
        (b"VA 5 f7 t30\r\nhello\r\n", (Hit(7, b"hello"), 30)),
        (b"VA 0 f0 t-1\r\n\r\n", (Hit(0, b""), -1)),
        (b"VA 4 t0 f4294967295 W\r\n\r\nt9\r\n", (Hit(4294967295, b"\r\nt9"), 0)),
    ],
)
def test_an_item_with_its_ttl(raw, item):
    assert parse_item(raw) == item


@pytest.mark.parametrize(("raw", "ttl"), [(b"HD t30\r\n", 30), (b"HD t-1\r\n", -1), (b"HD W t0 Z\r\n", 0)])
def test_a_ttl_alone(raw, ttl):
    assert parse_ttl(raw) == ttl


@pytest.mark.parametrize(
    ("raw", "won"),
    [(b"VA 0 f0 t9 Z\r\n\r\n", True), (b"HD t9 Z\r\n", True), (b"VA 1 f0 t9\r\nZ\r\n", False), (b"HD t9 W\r\n", False)],
)
def test_whether_somebody_has_won(raw, won):
    assert has_winner(raw) == won
