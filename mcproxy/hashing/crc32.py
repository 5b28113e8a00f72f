"""Crc32: mcrouter's plain one. Any change of the number of slots moves nearly every key."""

from collections.abc import Sequence
from zlib import crc32 as zlib_crc32

from mcproxy.hashing.node import HashOptions, Node
from mcproxy.hashing.selector import Selector, by_index


@by_index
def crc32(nodes: Sequence[Node | None], _options: HashOptions) -> Selector:
    """Config name Crc32: the low 31 bits of the CRC modulo the number of slots."""
    n = len(nodes)
    return lambda key: (zlib_crc32(key) & 0x7FFFFFFF) % n
