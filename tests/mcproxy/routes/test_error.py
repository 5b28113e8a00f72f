import logging

import pytest

from mcproxy.config_error import ConfigError
from mcproxy.outcome import Result
from mcproxy.routes.error import ErrorRoute
from tests.support.built_route import build
from tests.support.operations import ONE_OF_EACH
from tests.support.scripted_route import ask


@pytest.mark.parametrize("op", ONE_OF_EACH)
def test_error_with_a_text(op):
    assert ask(ErrorRoute("no cache today"), op) == (Result.LOCAL_ERROR, b"SERVER_ERROR no cache today\r\n")


@pytest.mark.parametrize(
    ("fields", "result", "line"),
    [
        ({}, Result.LOCAL_ERROR, b"SERVER_ERROR local error\r\n"),
        ({"response": "closed"}, Result.LOCAL_ERROR, b"SERVER_ERROR closed\r\n"),
        ({"response": "a\r\nb"}, Result.LOCAL_ERROR, b"SERVER_ERROR a b\r\n"),
        ({"result": "mc_res_busy"}, Result.BUSY, b"SERVER_ERROR 307 busy\r\n"),
        ({"result": "mc_res_ooo"}, Result.OOO, b"SERVER_ERROR out of order\r\n"),
        ({"result": "mc_res_tko", "response": "away"}, Result.TKO, b"SERVER_ERROR away\r\n"),
        ({"result": "mc_res_client_error", "response": "no"}, Result.CLIENT_ERROR, b"CLIENT_ERROR no\r\n"),
        ({"result": "mc_res_bad_key"}, Result.BAD_KEY, b"CLIENT_ERROR bad key\r\n"),
    ],
)
def test_what_a_config_asks_for(fields, result, line):
    assert ask(build("ErrorRoute", **fields)) == (result, line)


@pytest.mark.parametrize("result", ["mc_res_found", "busy", "mc_res_nonsense"])
def test_what_is_no_error_is_refused(result):
    with pytest.raises(ConfigError, match="unknown result, or no error"):
        build("ErrorRoute", result=result)


def test_it_logs_when_told(caplog):
    with caplog.at_level(logging.WARNING):
        ask(build("ErrorRoute", response="closed", enable_logging=True), key=b"secret")
    assert "b'secret' is answered b'SERVER_ERROR closed" in caplog.text
