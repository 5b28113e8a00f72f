from mcproxy.outcome import Result
from mcproxy.request import OpClass
from mcproxy.routes.failover_errors import DEFAULT_ERRORS, ERRORS_BY_NAME


def test_every_group_of_operations_has_its_errors():
    assert set(DEFAULT_ERRORS) == set(OpClass)


def test_all_errors_have_names_and_nothing_else_has():
    assert ERRORS_BY_NAME["connect_timeout"] is Result.CONNECT_TIMEOUT
    assert "notfound" not in ERRORS_BY_NAME
    assert "remote_error" in ERRORS_BY_NAME
