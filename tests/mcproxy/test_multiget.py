import itertools

import pytest

from mcproxy.multiget import MultiGet
from mcproxy.outcome import Result
from mcproxy.request import Op
from tests.support.scripted_route import Replies


def found(key):
    return b"VALUE %b 0 1\r\nx\r\nEND\r\n" % key


def answer(part):
    if part.key.startswith(b"miss"):
        part.answer(Result.NOTFOUND, b"END\r\n")
    elif part.key.startswith(b"bad"):
        part.answer(Result.TIMEOUT, b"SERVER_ERROR %b\r\n" % part.key)
    else:
        part.answer(Result.FOUND, found(part.key))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_values_come_in_the_clients_order(order):
    replies = Replies()
    together = MultiGet(Op.GET, b"get ", [b"a", b"miss", b"b", b"a"], replies)
    parts = together.parts
    assert [part.text for part in parts] == [b"get a\r\n", b"get miss\r\n", b"get b\r\n", b"get a\r\n"]
    for number in order:
        assert together.reply is None
        answer(parts[number])
    expected = b"VALUE a 0 1\r\nx\r\nVALUE b 0 1\r\nx\r\nVALUE a 0 1\r\nx\r\nEND\r\n"
    assert together.reply == expected
    assert replies.got == [(Result.FOUND, expected)]


def test_all_missing_is_one_end():
    together = MultiGet(Op.GETS, b"gets ", [b"miss1", b"miss2"], Replies())
    for part in together.parts:
        answer(part)
    assert together.reply == b"END\r\n"


def test_one_error_is_the_whole_reply():
    replies = Replies()
    together = MultiGet(Op.GAT, b"gat 60 ", [b"a", b"bad1", b"bad2", b"b"], replies)
    assert together.parts[0].text == b"gat 60 a\r\n"
    for part in reversed(together.parts):
        answer(part)
    assert together.reply == b"SERVER_ERROR bad2\r\n"
    assert replies.got == [(Result.TIMEOUT, b"SERVER_ERROR bad2\r\n")]
