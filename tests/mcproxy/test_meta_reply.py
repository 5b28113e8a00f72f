"""What a client reads of a meta request's reply: hidden by q, said for a route, under the key it asked for."""

import pytest

from mcproto.meta_flags import parse_meta
from mcproxy.meta_reply import MetaReply
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op, Request
from tests.support.scripted_route import Replies

GET, SET, DELETE, ARITHMETIC, DEBUG = (
    Op.META_GET,
    Op.META_SET,
    Op.META_DELETE,
    Op.META_ARITHMETIC,
    Op.META_DEBUG,
)


def read(op, words, result, raw):
    tokens = words.split(b" ")
    line = parse_meta(tokens, 3 if op is SET else 2)
    replies = Replies()
    request = Request(op, line.key, b"", MetaReply(line, replies))
    request.answer(result, raw)
    ((seen, text),) = replies.got
    assert seen == result
    return text


@pytest.mark.parametrize(
    ("op", "words", "result", "raw", "is_hidden"),
    [
        (GET, b"mg k q v", Result.NOTFOUND, b"EN\r\n", True),
        (GET, b"mg k q v", Result.FOUND, b"VA 1\r\nx\r\n", False),
        (GET, b"mg k q", Result.FOUND, b"HD\r\n", False),
        (GET, b"mg k v", Result.NOTFOUND, b"EN\r\n", False),
        (GET, b"mg k q v", Result.TIMEOUT, b"SERVER_ERROR timeout\r\n", False),
        (SET, b"ms k 1 q", Result.STORED, b"HD\r\n", True),
        (SET, b"ms k 1 q", Result.NOTSTORED, b"NS\r\n", False),
        (SET, b"ms k 1 q", Result.EXISTS, b"EX\r\n", False),
        (SET, b"ms k 1 q", Result.NOTFOUND, b"NF\r\n", False),
        (DELETE, b"md k q", Result.DELETED, b"HD\r\n", True),
        (DELETE, b"md k q", Result.NOTFOUND, b"NF\r\n", False),
        (ARITHMETIC, b"ma k q", Result.STORED, b"HD\r\n", True),
        (ARITHMETIC, b"ma k q", Result.NOTFOUND, b"NF\r\n", False),
        (DEBUG, b"me k", Result.NOTFOUND, b"EN\r\n", False),
    ],
)
def test_q_hides_the_ordinary_outcome_and_nothing_else(op, words, result, raw, is_hidden):
    assert read(op, words, result, raw) == (b"" if is_hidden else raw)


@pytest.mark.parametrize(
    ("op", "words", "result", "text"),
    [
        (GET, b"mg k O1 v k", Result.NOTFOUND, b"EN O1 kk\r\n"),
        (GET, b"mg aw== b k O1", Result.NOTFOUND, b"EN kaw== b O1\r\n"),
        (GET, b"mg k v", Result.NOTFOUND, b"EN\r\n"),
        (SET, b"ms k 1 O9", Result.NOTSTORED, b"NS O9\r\n"),
        (SET, b"ms k 1", Result.STORED, b"HD\r\n"),
        (SET, b"ms k 1", Result.EXISTS, b"EX\r\n"),
        (DELETE, b"md k k", Result.NOTFOUND, b"NF kk\r\n"),
        (DELETE, b"md k k", Result.DELETED, b"HD kk\r\n"),
        (ARITHMETIC, b"ma k", Result.NOTFOUND, b"NF\r\n"),
        (DEBUG, b"me k", Result.NOTFOUND, b"EN\r\n"),
    ],
)
def test_a_route_that_answers_is_heard_in_meta_words(op, words, result, text):
    if result is Result.NOTFOUND:
        assert read(op, words, result, b"END\r\n") == text
    assert read(op, words, result, OUTCOMES[result].line) == text


@pytest.mark.parametrize(
    ("op", "words", "raw", "text"),
    [
        (GET, b"mg /a/b/k k v", b"VA 3 kk\r\nkk \r\n", b"VA 3 k/a/b/k\r\nkk \r\n"),
        (GET, b"mg aw== b k t", b"HD kaw== b t-1\r\n", b"HD kaw== b t-1\r\n"),
        (GET, b"mg aw== b k t", b"HD kk t-1\r\n", b"HD kk t-1\r\n"),  # stored under its plain name
        (GET, b"mg aw== b k t", b"HD kcDpr b t-1\r\n", b"HD kaw== b t-1\r\n"),
        (GET, b"mg aw== b k t", b"HD kp:k t-1\r\n", b"HD kk t-1\r\n"),
        (GET, b"mg k k", b"HD kaw== b\r\n", b"HD kaw== b\r\n"),  # stored under its base64 name
        (GET, b"mg YSB4 b k v", b"VA 2\r\n\r\n\r\n", b"VA 2 kYSB4 b\r\n\r\n\r\n"),  # a key that servers must not say
        (GET, b"mg k O1 k", b"HD O1 kp:k\r\n", b"HD O1 kk\r\n"),
        (GET, b"mg k O1", b"HD O1\r\n", b"HD O1\r\n"),
        (DEBUG, b"me k", b"ME p:k exp=-1 la=0\r\n", b"ME k exp=-1 la=0\r\n"),
        (DEBUG, b"me k", b"ME k exp=-1 la=0\r\n", b"ME k exp=-1 la=0\r\n"),
    ],
)
def test_the_key_returned_is_the_one_that_was_asked_for(op, words, raw, text):
    assert read(op, words, Result.FOUND, raw) == text
