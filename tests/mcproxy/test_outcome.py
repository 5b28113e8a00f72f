import pytest

from mcproto.reply_parser import Kind
from mcproxy import outcome
from mcproxy.outcome import OUTCOMES, UNFIT, Result
from mcproxy.request import RESULTS, Op


def test_every_result_has_a_row():
    assert set(OUTCOMES) == set(Result)


def test_errors_are_what_clients_read_as_errors():
    for result, row in OUTCOMES.items():
        assert outcome.is_error(result) == (b"_ERROR" in row.line), result


def test_default_failover_errors():
    assert {r.name.lower() for r in Result if outcome.is_failover_error(r)} == {
        "busy",
        "shutdown",
        "tko",
        "try_again",
        "local_error",
        "connect_error",
        "connect_timeout",
        "timeout",
        "remote_error",
        "deadline_exceeded",
    }


def test_severities_are_ordered_as_mcrouter_orders_them():
    order = [
        "STORED",
        "NOTFOUND",
        "TIMEOUT",
        "BAD_KEY",
        "REMOTE_ERROR",
        "LOCAL_ERROR",
        "CLIENT_ERROR",
        "TOUCHED",
    ]
    severities = [outcome.severity(Result[name]) for name in order]
    assert severities == sorted(severities)
    assert len(set(severities)) == len(severities)


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (b"SERVER_ERROR 301 shutdown\r\n", Result.SHUTDOWN),
        (b"SERVER_ERROR 302 try again\r\n", Result.TRY_AGAIN),
        (b"SERVER_ERROR 307 busy\r\n", Result.BUSY),
        (b"SERVER_ERROR 307\r\n", Result.BUSY),
        (b"SERVER_ERROR 3071 busy\r\n", Result.REMOTE_ERROR),
        (b"SERVER_ERROR out of memory storing object\r\n", Result.REMOTE_ERROR),
        (b"SERVER_ERROR \xff\xfe\r\n", Result.REMOTE_ERROR),
        (b"SERVER_ERROR\r\n", Result.REMOTE_ERROR),
    ],
)
def test_application_error_numbers(raw, result):
    assert outcome.server_error_result(raw) == result


def test_what_takes_a_server_out():
    assert {r for r in Result if outcome.is_soft_tko(r)} == {Result.TIMEOUT}
    assert {r for r in Result if outcome.is_hard_tko(r)} == {
        Result.CONNECT_ERROR,
        Result.CONNECT_TIMEOUT,
        Result.SHUTDOWN,
    }


def test_an_error_line_is_one_line():
    assert outcome.error_line("a\r\nSTORED\r\n b") == b"SERVER_ERROR a STORED b\r\n"


def test_names():
    assert outcome.result_name(Result.CONNECT_ERROR) == "mc_res_connect_error"


@pytest.mark.parametrize(
    ("op", "kind", "result"),
    [
        (Op.GET, Kind.VALUES, Result.FOUND),
        (Op.GET, Kind.END, Result.NOTFOUND),
        (Op.SET, Kind.STORED, Result.STORED),
        (Op.CAS, Kind.EXISTS, Result.EXISTS),
        (Op.CAS, Kind.NOT_FOUND, Result.NOTFOUND),
        (Op.DELETE, Kind.DELETED, Result.DELETED),
        (Op.INCR, Kind.NUMBER, Result.STORED),
        (Op.TOUCH, Kind.TOUCHED, Result.TOUCHED),
        (Op.SET, Kind.CLIENT_ERROR, Result.CLIENT_ERROR),
        # out of step: the reply belongs to another kind of request
        (Op.GET, Kind.STORED, UNFIT),
        (Op.SET, Kind.VALUES, UNFIT),
        (Op.DELETE, Kind.END, UNFIT),
        (Op.INCR, Kind.STORED, UNFIT),
        (Op.GET, Kind.STATS, UNFIT),
        (Op.GET, Kind.ERROR, UNFIT),
    ],
)
def test_results_by_request_and_reply(op, kind, result):
    assert RESULTS[op][kind] == result
