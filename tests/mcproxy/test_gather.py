import pytest

from mcproxy.gather import Gather
from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op, Request
from mcproxy.session import ClientSession
from tests.support.scripted_route import Replies, Shell


@pytest.mark.parametrize(
    ("results", "worst"),
    [
        ([Result.OK, Result.OK], Result.OK),
        ([Result.OK, Result.TIMEOUT, Result.OK], Result.TIMEOUT),
        ([Result.TIMEOUT, Result.REMOTE_ERROR], Result.REMOTE_ERROR),
        ([Result.BUSY, Result.TIMEOUT], Result.BUSY),  # equally bad: the first to come
    ],
)
def test_the_worst_reply_counts(results, worst):
    replies = Replies()
    gather = Gather(len(results), replies)
    for result in results:
        assert not replies.got
        Request(Op.FLUSH_ALL, b"", b"flush_all\r\n", gather).answer(result, OUTCOMES[result].line)
    assert replies.got == [(worst, OUTCOMES[worst].line)]


def test_it_is_a_place_in_the_clients_line(service):
    session = ClientSession(service, Shell())
    gather = Gather(1, session)
    assert gather.reply is None
    Request(Op.FLUSH_ALL, b"", b"flush_all\r\n", gather).answer(Result.OK, b"OK\r\n")
    assert gather.reply == b"OK\r\n"
