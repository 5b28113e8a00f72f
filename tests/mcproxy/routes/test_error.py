from mcproxy.outcome import Result
from mcproxy.routes.error import ErrorRoute
from mcproxy.routes.null import NullRoute
from tests.support.scripted_route import ask


def test_error_with_a_text():
    assert ask(ErrorRoute("no cache today")) == (Result.LOCAL_ERROR, b"SERVER_ERROR no cache today\r\n")


def test_error_without_a_text():
    assert ask(ErrorRoute()) == (Result.LOCAL_ERROR, b"SERVER_ERROR local error\r\n")


def test_error_with_a_result():
    assert ask(ErrorRoute(result=Result.BUSY)) == (Result.BUSY, b"SERVER_ERROR 307 busy\r\n")


def test_null_is_a_miss():
    assert ask(NullRoute()) == (Result.NOTFOUND, b"END\r\n")
