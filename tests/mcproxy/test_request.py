import pytest

from mcproxy.outcome import Result
from mcproxy.request import OP_CLASSES, Continuation, Op, OpClass, Request
from tests.support.scripted_route import Replies, make_request


def test_every_operation_has_a_class():
    assert set(OP_CLASSES) == set(Op)


@pytest.mark.parametrize(
    ("op", "result", "line"),
    [
        (Op.GET, Result.NOTFOUND, b"END\r\n"),
        (Op.GATS, Result.NOTFOUND, b"END\r\n"),
        (Op.SET, Result.NOTSTORED, b"NOT_STORED\r\n"),
        (Op.CAS, Result.NOTSTORED, b"NOT_STORED\r\n"),
        (Op.DELETE, Result.NOTFOUND, b"NOT_FOUND\r\n"),
        (Op.INCR, Result.NOTFOUND, b"NOT_FOUND\r\n"),
        (Op.TOUCH, Result.NOTFOUND, b"NOT_FOUND\r\n"),
    ],
)
def test_default_replies(op, result, line):
    replies = Replies()
    make_request(replies, op).answer_by_default()
    assert replies.got == [(result, line)]


class Counting(Continuation):
    __slots__ = ("log", "name")

    def __init__(self, request: Request, name: str, log: list[str]) -> None:
        super().__init__(request)
        self.name, self.log = name, log

    def on_reply(self, request, result, raw):
        self.log.append(self.name)
        self.pass_up(request, result, raw)


def test_continuations_see_the_reply_from_the_inside_out():
    replies, log = Replies(), []
    request = make_request(replies)
    Counting(request, "outer", log)
    Counting(request, "inner", log)
    request.answer(Result.FOUND, b"x")
    assert log == ["inner", "outer"]
    assert replies.got == [(Result.FOUND, b"x")]
    assert request.waiter is replies
    assert request.op_class is OpClass.GET
