"""me: an item's header, without a use of it."""

from __future__ import annotations

from tests.memcache_server.commands.asking import Asking


def test_an_item() -> None:
    server = Asking()
    server.ask(b"ms k 5 E77 T100", b"hello")
    server.wait(10)
    shown = b"ME k exp=90 la=10 cas=77 fetch=no cls=1 size=65"
    assert server.ask(b"me k", b"me k") == [shown, shown]
    server.ask(b"mg k")
    assert server.ask(b"me k") == [shown.replace(b"fetch=no", b"fetch=yes")]
    assert server.stats.cmd_meta == 3


def test_no_item_and_base64() -> None:
    server = Asking()
    server.ask(b"ms YSBi 1 b", b"1")
    assert server.ask(b"me none", b"me") == [b"EN", b"CLIENT_ERROR bad command line format"]
    assert server.ask(b"me YSBi b")[0].startswith(b"ME YSBi ")
