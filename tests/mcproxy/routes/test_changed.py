import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op, Request
from mcproxy.routes.changed import is_usable_key, under_key, with_text
from mcproxy.routing_prefix import PrefixedKey
from tests.support.cache_route import ERRORS, Heard


def asked(op=Op.GET, key=b"k"):
    heard = Heard()
    return Request(op, key, b"%b k\r\n" % op.name.lower().encode(), heard), heard


@pytest.mark.parametrize(
    ("result", "raw", "expected"),
    [
        (Result.FOUND, b"VALUE other 3 1\r\nv\r\nEND\r\n", b"VALUE k 3 1\r\nv\r\nEND\r\n"),
        (Result.FOUND, b"VALUE other 3 5 77\r\nother\r\nEND\r\n", b"VALUE k 3 5 77\r\nother\r\nEND\r\n"),
        (Result.NOTFOUND, b"END\r\n", b"END\r\n"),
        (Result.FOUND, b"HD kother\r\n", b"HD kother\r\n"),  # meta_reply.py's part
        *((error, b"SERVER_ERROR of other\r\n", b"SERVER_ERROR of other\r\n") for error in ERRORS),
    ],
)
def test_the_reply_comes_back_under_the_key_that_was_asked_for(result, raw, expected):
    request, heard = asked()
    changed = under_key(request, b"other")
    assert (changed.key, changed.text) == (b"other", b"get other\r\n")
    changed.answer(result, raw)
    assert heard.got == [(result, expected)]
    assert (request.key, request.text) == (b"k", b"get k\r\n")


def test_another_text_for_the_same_key():
    request, heard = asked(Op.TOUCH)
    changed = with_text(request, b"touch k 7\r\n")
    assert (changed.op, changed.key, changed.text) == (Op.TOUCH, b"k", b"touch k 7\r\n")
    changed.answer(Result.TOUCHED, b"TOUCHED\r\n")
    assert heard.got == [(Result.TOUCHED, b"TOUCHED\r\n")]


def test_a_routing_prefix_stays_with_a_changed_key():
    request, _ = asked(key=PrefixedKey(b"/a/b/", b"k"))
    assert under_key(request, b"other").key.prefix == b"/a/b/"
    request, _ = asked()
    assert type(under_key(request, b"other").key) is bytes


@pytest.mark.parametrize(("key", "usable"), [(b"", False), (b"k", True), (b"x" * 250, True), (b"x" * 251, False)])
def test_keys_that_servers_take(key, usable):
    assert is_usable_key(key) == usable
