"""md: compared, quiet, stale marks, emptied items and tombstones."""

from __future__ import annotations

import pytest

from tests.memcache_server.commands.asking import Asking


@pytest.fixture
def server() -> Asking:
    server = Asking()
    assert server.ask(b"ms k 5 E77 F9 T100", b"hello") == [b"HD"]
    return server


def test_compared(server: Asking) -> None:
    assert server.ask(b"md k C76 k O1", b"md k C0", b"md k C77 O2", b"md k") == [b"EX kk O1", b"EX", b"HD O2", b"NF"]
    assert server.stats.delete_misses == 3


def test_quiet_hides_the_deletion_only(server: Asking) -> None:
    assert server.ask(b"md k q C1", b"md k q", b"md k q", b"mn") == [b"EX", b"NF", b"MN"]


def test_a_stale_mark_takes_a_new_unique_or_the_chosen_one(server: Asking) -> None:
    assert server.ask(b"md k I E5 T30", b"mg k c t v") == [b"HD", b"VA 5 c5 t30 X W", b"hello"]
    assert server.ask(b"md k I") == [b"HD"]
    assert server.ask(b"mg k t c")[0].startswith(b"HD t30 c") is True
    assert server.ask(b"mg k c") != [b"HD c5 Z X"]


def test_emptied(server: Asking) -> None:
    assert server.ask(b"md k x", b"mg k v f t c s") == [b"HD", b"VA 0 f0 t-1 c77 s0", b""]
    assert server.ask(b"md k x F4 T30 E8", b"mg k v f t c") == [b"HD", b"VA 0 f4 t30 c8", b""]


def test_a_tombstone(server: Asking) -> None:
    assert server.ask(b"md k x I T30", b"mg k v t", b"mg k v") == [b"HD", b"VA 0 t30 X W", b"", b"VA 0 Z X", b""]
    assert server.ask(b"ms k 3 ME", b"new", b"ms k 3", b"new", b"mg k v") == [b"NS", b"HD", b"VA 3", b"new"]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"md", b"CLIENT_ERROR bad command line format"),
        (b"md k q q", b"CLIENT_ERROR duplicate flag"),
        (b"md k z", b"CLIENT_ERROR invalid flag"),
        (b"md k Cx", b"CLIENT_ERROR bad token in command line format"),
        (b"md k O" + b"o" * 32, b"CLIENT_ERROR opaque token too long"),
    ],
)
def test_errors_leave_the_item(server: Asking, line: bytes, error: bytes) -> None:
    assert server.ask(line) == [error]
    assert server.ask(b"mg k") == [b"HD"]
