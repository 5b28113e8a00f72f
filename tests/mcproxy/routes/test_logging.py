import pytest

from mcproxy.outcome import Result
from mcproxy.routes.logging import LoggingRoute
from tests.support.built_route import build
from tests.support.cache_route import ERRORS, LIKE, CacheRoute, say


@pytest.mark.parametrize("kind", LIKE)
@pytest.mark.parametrize("result", [Result.NOTFOUND, *ERRORS])
def test_a_line_for_every_request(caplog, kind, result):
    caplog.set_level("INFO", "mcproxy.routes.logging")
    [(got, raw)] = say(LoggingRoute(CacheRoute(failing=result)), LIKE[kind])
    assert got == result
    [line] = caplog.messages
    assert line.startswith("key: k request: ")
    assert line.endswith(f"({len(LIKE[kind])} bytes) reply: mc_res_{result.name.lower()} ({len(raw)} bytes)")


def test_a_key_cannot_forge_a_line(caplog):
    caplog.set_level("INFO", "mcproxy.routes.logging")
    say(LoggingRoute(CacheRoute()), b"get k\x1b\x00\xff\n\r\n")
    assert "\n" not in caplog.messages[0] and "\x1b" not in caplog.messages[0]


def test_nothing_below_info(caplog):
    caplog.set_level("WARNING", "mcproxy.routes.logging")
    assert say(LoggingRoute(CacheRoute(k=b"v")), LIKE["get"])[0][0] == Result.FOUND
    assert not caplog.messages


def test_from_a_configuration():
    assert say(build("LoggingRoute", target=CacheRoute(k=b"v")), LIKE["get"])[0][0] == Result.FOUND
    assert say(build("LoggingRoute"), LIKE["set"]) == [(Result.NOTSTORED, b"NOT_STORED\r\n")]
