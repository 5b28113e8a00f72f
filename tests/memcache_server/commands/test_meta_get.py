"""mg: what only 1.6.42 knows (chosen and compared CAS uniques), winners, and what is counted as what."""

from __future__ import annotations

import pytest

from tests.memcache_server.commands.asking import Asking


@pytest.fixture
def server() -> Asking:
    server = Asking()
    assert server.ask(b"ms k 5 E77 F9", b"hello") == [b"HD"]
    return server


def test_the_value_is_left_out_when_the_client_has_it(server: Asking) -> None:
    assert server.ask(b"mg k v c C77") == [b"HD c77"]
    assert server.ask(b"mg k v c C76") == [b"VA 5 c77", b"hello"]
    assert server.ask(b"mg k v C0") == [b"VA 5", b"hello"]


def test_a_vivified_item_takes_the_chosen_unique(server: Asking) -> None:
    assert server.ask(b"mg new c v N30 E18446744073709551614 t") == [b"VA 0 c18446744073709551614 t30 W", b""]
    assert server.ask(b"mg new c v N30 E5") == [b"VA 0 c18446744073709551614 Z", b""]


def test_flags_return_in_the_order_asked(server: Asking) -> None:
    assert server.ask(b"mg k s k O1 f c T30 t") == [b"HD s5 kk O1 f9 c77 t30"]
    assert server.ask(b"mg k t T60 f") == [b"HD t30 f9"]
    assert server.ask(b"mg none k O1", b"mg none q k O1", b"mn") == [b"EN knone O1", b"MN"]


def test_a_key_in_base64_comes_back_so(server: Asking) -> None:
    assert server.ask(b"ms YSBi 1 b", b"1", b"mg YSBi b k v") == [b"HD", b"VA 1 kYSBi b", b"1"]
    assert server.ask(b"mg aw== b k v") == [b"VA 5 kk", b"hello"]  # it was stored as text


def test_one_wins_and_the_others_hear_of_it(server: Asking) -> None:
    server.ask(b"md k I T30")
    assert server.ask(b"mg k v", b"mg k v") == [b"VA 5 X W", b"hello", b"VA 5 Z X", b"hello"]
    server.ask(b"md k I")
    assert server.ask(b"mg k") == [b"HD X W"]  # marked again, to be won again


def test_a_recache_window(server: Asking) -> None:
    server.ask(b"mg k T60")
    assert server.ask(b"mg k R30") == [b"HD"]
    server.wait(31)
    assert server.ask(b"mg k R30 t", b"mg k R30") == [b"HD t29 W", b"HD Z"]


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        (b"mg k v", {"get_hits": 1}),
        (b"mg none", {"get_misses": 1}),
        (b"mg none N0", {"get_hits": 1}),
        (b"mg k T30", {"touch_hits": 1}),
    ],
)
def test_counted(server: Asking, line: bytes, counted: dict[str, int]) -> None:
    def counts() -> dict[str, int]:
        totals, stats = server.store.stats, server.stats
        return {
            "get_hits": sum(totals.hits),
            "get_misses": stats.get_misses,
            "touch_hits": sum(totals.touch_hits),
        }

    before = counts()
    server.ask(line)
    assert {name: number - before[name] for name, number in counts().items() if number != before[name]} == counted


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"mg", b"CLIENT_ERROR bad command line format"),
        (b"mg " + b"k" * 251, b"CLIENT_ERROR bad command line format"),
        (b"mg k v v", b"CLIENT_ERROR duplicate flag"),
        (b"mg k z", b"CLIENT_ERROR invalid flag"),
        (b"mg k ,", b"CLIENT_ERROR bad command line format"),
        (b"mg k Tx", b"CLIENT_ERROR bad token in command line format"),
        (b"mg k O" + b"o" * 32, b"CLIENT_ERROR opaque token too long"),
        (b"mg ==== b", b"CLIENT_ERROR error decoding key"),
        (b"mg k" + b" v" * 19, b"CLIENT_ERROR options flags are too long"),
    ],
)
def test_errors(server: Asking, line: bytes, error: bytes) -> None:
    assert server.ask(line) == [error]
