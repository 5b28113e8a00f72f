"""ma: modes, first values, chosen and compared CAS uniques; T and quiet creation, where the original errs."""

from __future__ import annotations

import pytest

from tests.memcache_server.commands.asking import Asking

BAD_FLAG = b"CLIENT_ERROR invalid or duplicate flag"


@pytest.fixture
def server() -> Asking:
    server = Asking()
    assert server.ask(b"ms n 2 E77 T100", b"99") == [b"HD"]
    return server


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"ma n v", [b"VA 3", b"100"]),
        (b"ma n v D5 MD", [b"VA 2", b"94"]),
        (b"ma n v M- D100", [b"VA 1", b"0"]),
        (b"ma n v M+ D18446744073709551615", [b"VA 2", b"98"]),
        (b"ma n E5 c t", [b"HD c5 t100"]),
        (b"ma n C77 v O1 k", [b"VA 3 O1 kn", b"100"]),
        (b"ma n C76 O1", [b"EX O1"]),
        (b"ma n C0 v", [b"VA 3", b"100"]),
        (b"ma n q v", []),
        (b"ma n MX", [b"CLIENT_ERROR invalid mode for ma M token"]),
        (b"ma n D-1", [BAD_FLAG]),
        (b"ma n Jx", [BAD_FLAG]),
        (b"ma n v v", [BAD_FLAG]),
        (b"ma", [b"CLIENT_ERROR bad command line format"]),
        (b"ma none k", [b"NF knone"]),
        (b"ma none N30 J7 D5 v t c E9", [b"VA 1 t30 c9", b"7"]),
        (b"ma none N0", [b"HD"]),
        (b"ma none N0 q", []),
    ],
)
def test_answers(server: Asking, line: bytes, reply: list[bytes]) -> None:
    assert server.ask(line) == reply


@pytest.mark.parametrize("mode", [b"MI", b"MD"])
def test_the_new_ttl_holds_whether_or_not_the_number_grows(server: Asking, mode: bytes) -> None:
    assert server.ask(b"ma n T30 " + mode, b"mg n t") == [b"HD", b"HD t30"]


def test_no_number(server: Asking) -> None:
    server.ask(b"ms n 2", b"5x")
    error = b"CLIENT_ERROR cannot increment or decrement non-numeric value"
    assert server.ask(b"ma n", b"ma n q") == [error, error]


def test_counted_with_the_classic_ones(server: Asking) -> None:
    server.ask(b"ma n", b"ma n MD", b"ma none", b"ma none MD")
    assert (server.stats.incr_misses, server.stats.decr_misses) == (1, 1)
    assert (server.store.stats.total("incr_hits"), server.store.stats.total("decr_hits")) == (1, 1)
