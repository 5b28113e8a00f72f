"""An item with the seconds it has left, by the meta protocol: what copies of items are made from."""

from __future__ import annotations

from mcproto.encode import CRLF
from mcproxy.request import Op
from mcproxy.request_text import Hit

META_GET = Op.META_GET.value


def item_text(key: bytes) -> bytes:
    """Asks for client flags, TTL and value."""
    return b"mg %b f t v\r\n" % key


def ttl_text(key: bytes) -> bytes:
    """Asks for the TTL alone."""
    return b"mg %b t\r\n" % key


def idle_ttl_text(key: bytes) -> bytes:
    """Asks for the TTL alone, and leaves the item as little used as it is."""
    return b"mg %b u t\r\n" % key


def presence_text(key: bytes) -> bytes:
    """Asks whether there is an item."""
    return b"mg %b\r\n" % key


def parse_item(raw: bytes) -> tuple[Hit, int]:
    """(item, seconds left) of the hit that `item_text` gets; -1 is for ever."""
    end = raw.find(CRLF)
    _, length, *flags = raw[:end].split(b" ")
    hit = Hit(int(_value(flags, b"f")), raw[end + 2 : end + 2 + int(length)])
    return hit, int(_value(flags, b"t"))


def parse_ttl(raw: bytes) -> int:
    """Seconds left, of the hit that `ttl_text` gets; -1 is for ever."""
    return int(_value(raw.rstrip(CRLF).split(b" ")[1:], b"t"))


def has_winner(raw: bytes) -> bool:
    """Whether somebody has won the item: then an empty one stands for a lease, and is no value to copy."""
    return b"Z" in raw[: raw.find(CRLF)].split(b" ")


def _value(flags: list[bytes], letter: bytes) -> bytes:
    return next((flag[1:] for flag in flags if flag[:1] == letter), b"0")
