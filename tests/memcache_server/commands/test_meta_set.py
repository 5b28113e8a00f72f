"""ms: modes, chosen and compared CAS uniques, sizes that come back, and values stored stale."""

from __future__ import annotations

import pytest

from tests.memcache_server.commands.asking import Asking


@pytest.fixture
def server() -> Asking:
    server = Asking()
    assert server.ask(b"ms k 5 E77 F9 T100", b"hello") == [b"HD"]
    return server


def test_the_chosen_unique_may_go_backwards(server: Asking) -> None:
    assert server.ask(b"ms k 1 E5 c", b"1", b"mg k c") == [b"HD c5", b"HD c5"]
    assert server.ask(b"ms k 1 C5 E4 c", b"2", b"mg k c v") == [b"HD c4", b"VA 1 c4", b"2"]


@pytest.mark.parametrize(
    ("line", "reply", "left"),
    [
        (b"ms k 1 MS", b"HD", b"1"),
        (b"ms k 1 MR", b"HD", b"1"),
        (b"ms k 1 ME", b"NS", b"hello"),
        (b"ms k 1 MA s", b"HD s6", b"hello1"),
        (b"ms k 1 MP s", b"HD s6", b"1hello"),
        (b"ms k 1 ME c s", b"NS c0 s1", b"hello"),
        (b"ms k 1 C77", b"HD", b"1"),
        (b"ms k 1 C78", b"EX", b"hello"),
        (b"ms k 1 C0", b"EX", b"hello"),
        (b"ms k 1 MA C78", b"EX", b"hello"),
        (b"ms k 1 MA C0", b"HD", b"hello1"),
        (b"ms k 1 MAP", b"HD", b"hello1"),
        (b"ms k 1 Ms", b"CLIENT_ERROR invalid mode for ms M token", b"hello"),
        (b"ms k 1 M", b"CLIENT_ERROR invalid mode for ms M token", b"hello"),
    ],
)
def test_an_item_that_is_there(server: Asking, line: bytes, reply: bytes, left: bytes) -> None:
    assert server.ask(line, b"1") == [reply]
    assert server.ask(b"mg k v")[1] == left


@pytest.mark.parametrize(
    ("line", "reply", "left"),
    [
        (b"ms new 1 MR", b"NS", b"EN"),
        (b"ms new 1 MA", b"NS", b"EN"),
        (b"ms new 1 MA N30", b"HD", b"HD t30 f0"),
        (b"ms new 1 MP N0 F3", b"HD", b"HD t-1 f3"),
        (b"ms new 1 C5 k", b"NF knew", b"EN"),
        (b"ms new 1 ME q", None, b"HD t-1 f0"),
    ],
)
def test_an_item_that_is_not_there(server: Asking, line: bytes, reply: bytes | None, left: bytes) -> None:
    assert server.ask(line, b"1") == ([reply] if reply else [])
    assert server.ask(b"mg new t f") == [left]


def test_an_older_value_is_stored_stale(server: Asking) -> None:
    assert server.ask(b"ms k 3 C76 I T500", b"old") == [b"HD"]
    assert server.ask(b"mg k v t") == [b"VA 3 t100 X W", b"old"]  # with the TTL that it had
    assert server.ask(b"ms k 3", b"new", b"mg k v t") == [b"HD", b"VA 3 t-1", b"new"]


def test_a_newer_id_is_no_older_one(server: Asking) -> None:
    assert server.ask(b"ms k 3 C78 I", b"new", b"mg k v") == [b"EX", b"VA 5", b"hello"]


def test_the_value_is_swallowed_with_a_bad_line_unless_its_length_is_bad(server: Asking) -> None:
    assert server.ask(b"ms k 4 Tx", b"quit", b"mn") == [b"CLIENT_ERROR bad token in command line format", b"MN"]
    assert server.ask(b"ms k x", b"mn") == [b"CLIENT_ERROR bad command line format", b"MN"]
    assert server.ask(b"ms k 2", b"1234rest", b"mn") == [b"CLIENT_ERROR bad data chunk", b"ERROR", b"MN"]


def test_too_large_removes_what_was_there(server: Asking) -> None:
    assert server.ask(b"ms k 1048600", b"x" * 1048600) == [b"SERVER_ERROR object too large for cache"]
    assert server.ask(b"mg k") == [b"EN"]
