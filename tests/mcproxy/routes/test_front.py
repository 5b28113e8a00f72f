import pytest

from mcproxy.outcome import OUTCOMES, Result
from mcproxy.request import Op
from mcproxy.routes.front import GroupedRemoteErrors, OnlyGets
from tests.support.scripted_route import ScriptedRoute, ask


@pytest.mark.parametrize("op", [Op.SET, Op.DELETE, Op.INCR, Op.TOUCH])
def test_only_gets_refuses_all_else(op):
    child = ScriptedRoute(Result.FOUND)
    assert ask(OnlyGets(child), op=op) == (Result.LOCAL_ERROR, b"SERVER_ERROR Only gets are allowed\r\n")
    assert child.seen == []


@pytest.mark.parametrize("op", [Op.GET, Op.GETS, Op.GAT])
def test_only_gets_lets_gets_through(op):
    child = ScriptedRoute(Result.FOUND)
    assert ask(OnlyGets(child), op=op)[0] == Result.FOUND


def test_servers_words_are_hidden():
    class Wordy(ScriptedRoute):
        def line(self, result, request):
            return b"SERVER_ERROR out of memory storing object\r\n"

    assert ask(GroupedRemoteErrors(Wordy(Result.REMOTE_ERROR))) == (
        Result.REMOTE_ERROR,
        b"SERVER_ERROR remote error\r\n",
    )


@pytest.mark.parametrize("result", [Result.FOUND, Result.NOTFOUND, Result.TIMEOUT, Result.TKO])
def test_all_other_replies_stay(result):
    child = ScriptedRoute(result)
    found, raw = ask(GroupedRemoteErrors(child))
    assert found == result
    assert result is Result.FOUND or raw == OUTCOMES[result].line
