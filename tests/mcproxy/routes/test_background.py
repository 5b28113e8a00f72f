import pytest

from mcproxy.outcome import Result
from mcproxy.request import Op
from mcproxy.routes.background import Background
from mcproxy.routes.context import new_counters
from tests.support.scripted_route import Replies, ScriptedRoute, make_request


@pytest.fixture
def counters():
    return new_counters()


def test_a_copy_goes_and_its_reply_does_not_come_back(counters):
    child, replies = ScriptedRoute(Result.TIMEOUT), Replies()
    background = Background(counters)
    request = make_request(replies, Op.SET)
    assert background.send(child.route, request)
    assert child.seen == [(b"k", b"set k 0 0 1\r\nx\r\n")]
    assert replies.got == []
    assert request.waiter is replies
    assert (background.requests, background.bytes) == (0, 0)


def test_no_more_than_so_many_requests(counters):
    child, background = ScriptedRoute(later=True), Background(counters, requests_max=2)
    sent = [background.send(child.route, make_request(Replies())) for _ in range(3)]
    assert sent == [True, True, False]
    assert counters["background_dropped"] == 1
    child.answer_next()
    assert background.send(child.route, make_request(Replies()))
    assert len(child.seen) == 3


def test_no_more_than_so_many_bytes(counters):
    child, background = ScriptedRoute(later=True), Background(counters, bytes_max=15)
    sent = [background.send(child.route, make_request(Replies())) for _ in range(3)]
    assert sent == [True, True, False]
    child.answer_next()
    child.answer_next()
    assert (background.requests, background.bytes) == (0, 0)
